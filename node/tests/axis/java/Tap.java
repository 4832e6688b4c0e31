import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;

/** Stands between client and node: keeps what it saw, and breaks connections where it is told to. */
final class Tap implements AutoCloseable {
    /** What becomes of a connection. */
    enum Fate {
        PASSED,
        /** The node does its work, and the client never hears of it. */
        ANSWER_LOST,
        /** It breaks while the request is still being sent. */
        REQUEST_CUT
    }

    private static final byte[] CONTINUE = "HTTP/1.1 100 Continue\r\n\r\n".getBytes(StandardCharsets.US_ASCII);
    private static final int CUT_AFTER_BYTES = 300_000;

    private final ServerSocket server;
    private final String host;
    private final int port;
    private final ConcurrentLinkedQueue<Fate> fates = new ConcurrentLinkedQueue<>();
    /** Heads of requests, as they came, letters by their octets. */
    final List<String> heads = Collections.synchronizedList(new ArrayList<>());
    /** Beginnings of answers. */
    final List<String> answers = Collections.synchronizedList(new ArrayList<>());

    /** In front of the node at this address; connections beyond the fates are passed on. */
    Tap(String address, Fate... fates) throws IOException {
        int colon = address.lastIndexOf(':');
        host = address.substring(0, colon);
        port = Integer.parseInt(address.substring(colon + 1));
        server = new ServerSocket(0, 50, InetAddress.getByName(host));
        Collections.addAll(this.fates, fates);
        started(this::accept);
    }

    String endpoint() {
        return "http://" + host + ":" + server.getLocalPort();
    }

    @Override
    public void close() throws IOException {
        server.close();
    }

    private static void started(Runnable work) {
        Thread thread = new Thread(work);
        thread.setDaemon(true);
        thread.start();
    }

    private void accept() {
        while (!server.isClosed()) {
            try {
                Socket client = server.accept();
                Fate fate = fates.poll();
                started(() -> serve(client, fate == null ? Fate.PASSED : fate));
            } catch (IOException e) {
                return;
            }
        }
    }

    private void serve(Socket client, Fate fate) {
        try (Socket taken = client; Socket node = new Socket(host, port)) {
            started(() -> requests(taken, node, fate));
            answer(node.getInputStream(), taken, fate);
        } catch (IOException e) {
            // One of the two is gone, and so is the other.
        }
    }

    private void requests(Socket client, Socket node, Fate fate) {
        ByteArrayOutputStream head = new ByteArrayOutputStream();
        boolean kept = false;
        int passed = 0;
        byte[] piece = new byte[8192];
        try {
            InputStream in = client.getInputStream();
            for (int n = in.read(piece); n >= 0; n = in.read(piece)) {
                if (!kept) {
                    head.write(piece, 0, n);
                    String text = head.toString(StandardCharsets.ISO_8859_1);
                    int end = text.indexOf("\r\n\r\n");
                    if (end >= 0) {
                        heads.add(text.substring(0, end));
                        kept = true;
                    }
                }
                node.getOutputStream().write(piece, 0, n);
                passed += n;
                if (fate == Fate.REQUEST_CUT && passed > CUT_AFTER_BYTES) {
                    client.close();
                    node.close();
                    return;
                }
            }
            node.shutdownOutput();
        } catch (IOException e) {
            // As above.
        }
    }

    private void answer(InputStream node, Socket client, Fate fate) throws IOException {
        byte[] begun = node.readNBytes(CONTINUE.length);
        OutputStream out = client.getOutputStream();
        answers.add(new String(begun, StandardCharsets.ISO_8859_1));
        if (fate == Fate.PASSED || Arrays.equals(begun, CONTINUE)) {
            out.write(begun);
            out.flush();
        }
        byte[] piece = new byte[8192];
        for (int n = node.read(piece); n >= 0; n = node.read(piece)) {
            if (fate == Fate.PASSED) {
                out.write(piece, 0, n);
            }
        }
        client.shutdownOutput();
    }
}
