import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.InterruptedIOException;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.Charset;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CharsetEncoder;
import java.nio.charset.CoderResult;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import javax.net.ssl.SSLException;
import org.apache.http.HttpEntity;
import org.apache.http.client.config.RequestConfig;
import org.apache.http.client.methods.CloseableHttpResponse;
import org.apache.http.client.methods.HttpGet;
import org.apache.http.client.methods.HttpPost;
import org.apache.http.client.methods.HttpRequestBase;
import org.apache.http.config.ConnectionConfig;
import org.apache.http.entity.StringEntity;
import org.apache.http.impl.client.CloseableHttpClient;
import org.apache.http.impl.client.HttpClients;
import org.apache.http.util.EntityUtils;

/** Every call but `sendEdoc`: Apache HttpClient, a new one with a new connection for each. */
final class ApacheStack {
    static final String CONTENT_TYPE = "application/json";

    /** Clients of list calls: nobody closes them. Held, so that no garbage collection does either. */
    static final List<CloseableHttpClient> LEFT_OPEN = new ArrayList<>();

    private final int retry;

    ApacheStack(int retry) {
        this.retry = retry;
    }

    /** The answer as text, whatever its status and Content-Type; none after so many I/O errors. */
    String post(String url, Map<String, String> headers, String body, boolean close) {
        HttpPost post = new HttpPost(url);
        post.setEntity(new StringEntity(body, StandardCharsets.UTF_8));
        return answer(post, headers, close, ApacheStack::lines);
    }

    /** The octets of an answer. */
    byte[] get(String url, Map<String, String> headers) {
        return answer(new HttpGet(url), headers, true, EntityUtils::toByteArray);
    }

    private interface Reader<T> {
        T read(HttpEntity entity) throws IOException;
    }

    private <T> T answer(HttpRequestBase request, Map<String, String> headers, boolean close, Reader<T> reader) {
        headers.forEach(request::setHeader);
        request.setConfig(RequestConfig.custom().setExpectContinueEnabled(true).build());
        CloseableHttpClient client = client();
        try {
            // Nobody closes the answer either: that of a list gives its connection back to the pool.
            CloseableHttpResponse response = client.execute(request);
            HttpEntity entity = response.getEntity();
            return entity == null ? null : reader.read(entity);
        } catch (IOException e) {
            return null;
        } finally {
            if (close) {
                try {
                    client.close();
                } catch (IOException e) {
                    throw new IllegalStateException(e);
                }
            } else {
                LEFT_OPEN.add(client);
            }
        }
    }

    private CloseableHttpClient client() {
        return HttpClients.custom()
                .setDefaultConnectionConfig(ConnectionConfig.custom().setCharset(new LowEightBits()).build())
                .disableRedirectHandling()
                .setRetryHandler((error, tries, context) -> tries < retry && !isFinal(error))
                .build();
    }

    private static boolean isFinal(IOException error) {
        return error instanceof InterruptedIOException
                || error instanceof UnknownHostException
                || error instanceof SSLException;
    }

    /** Always UTF-8; line breaks are lost. */
    private static String lines(HttpEntity entity) throws IOException {
        StringBuilder text = new StringBuilder();
        try (BufferedReader reader = new BufferedReader(
                new InputStreamReader(entity.getContent(), StandardCharsets.UTF_8))) {
            for (String line = reader.readLine(); line != null; line = reader.readLine()) {
                text.append(line);
            }
        }
        return text.toString();
    }

    /**
     * What HttpClient 4.5.6 does to a letter in a header: it keeps the low eight bits. Later versions write
     * a question mark for what is no visible Latin-1 letter, so for what was is said here.
     */
    private static final class LowEightBits extends Charset {
        LowEightBits() {
            super("X-LOW-EIGHT-BITS", null);
        }

        @Override
        public boolean contains(Charset other) {
            return false;
        }

        @Override
        public CharsetDecoder newDecoder() {
            return StandardCharsets.ISO_8859_1.newDecoder();
        }

        @Override
        public CharsetEncoder newEncoder() {
            return new CharsetEncoder(this, 1, 1) {
                @Override
                protected CoderResult encodeLoop(CharBuffer in, ByteBuffer out) {
                    while (in.hasRemaining()) {
                        if (!out.hasRemaining()) {
                            return CoderResult.OVERFLOW;
                        }
                        out.put((byte) in.get());
                    }
                    return CoderResult.UNDERFLOW;
                }
            };
        }
    }
}
