import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.HttpURLConnection;
import java.net.URL;
import java.util.Map;

/** `sendEdoc`: what the JDK brings. It buffers the whole body, and so knows its length. */
final class UrlStack {
    static final String CONTENT_TYPE = "application/octet-stream";

    /** An answer of this stack. */
    static final class Answer {
        final int status;
        final byte[] body;

        Answer(int status, byte[] body) {
            this.status = status;
            this.body = body;
        }
    }

    /** Posts a file with CR LF behind it; none after an I/O error that the JDK did not mend by itself. */
    Answer post(String url, Map<String, String> headers, byte[] file) {
        try {
            HttpURLConnection connection = (HttpURLConnection) new URL(url).openConnection();
            connection.setRequestMethod("POST");
            connection.setUseCaches(false);
            connection.setDoInput(true);
            connection.setDoOutput(true);
            headers.forEach(connection::setRequestProperty);
            try (OutputStream body = connection.getOutputStream()) {
                body.write(file);
                body.write('\r');
                body.write('\n');
            }
            int status = connection.getResponseCode();
            boolean error = status >= 400;
            try (InputStream in = error ? connection.getErrorStream() : connection.getInputStream()) {
                return in == null ? null : new Answer(status, all(in));
            }
        } catch (IOException e) {
            return null;
        }
    }

    private static byte[] all(InputStream in) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        byte[] piece = new byte[8192];
        for (int n = in.read(piece); n >= 0; n = in.read(piece)) {
            out.write(piece, 0, n);
        }
        return out.toByteArray();
    }
}
