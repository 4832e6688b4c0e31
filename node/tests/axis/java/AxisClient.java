import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.text.SimpleDateFormat;
import java.util.ArrayList;
import java.util.Calendar;
import java.util.Date;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * A client of the national axis as its public library is one, after what is known of its protocol: two
 * HTTP stacks, one map of parameters that is filled by every call and never cleared, one timestamp.
 */
final class AxisClient {
    /** The two versions of the library that are in use. */
    enum Version {
        V2_0_0,
        V2_0_1
    }

    private static final String PREFIX = "XroadVnpt-";
    private static final Gson JSON = new GsonBuilder().disableHtmlEscaping().create();

    private final Version version;
    private final String endpoint;
    private final byte[] secret;
    private final ApacheStack apache;
    private final UrlStack url = new UrlStack();
    /** By names without the prefix: iterated in the order of a hash map, as it comes. */
    private final Map<String, String> params = new HashMap<>();

    AxisClient(Version version, String endpoint, String system, String secret, int retry) {
        this(version, endpoint, system, secret, retry, new Date());
    }

    AxisClient(Version version, String endpoint, String system, String secret, int retry, Date made) {
        this.version = version;
        this.endpoint = endpoint;
        this.secret = secret.getBytes(StandardCharsets.UTF_8);
        this.apache = new ApacheStack(retry);
        params.put("systemid", system);
        params.put("timestamp", new SimpleDateFormat("ddMMyyyy'T'HHmmss+SSSS").format(made));
    }

    /** Sets a parameter. It stays for all later calls. */
    AxisClient with(String name, String value) {
        params.put(name, value);
        return this;
    }

    Reading.Sent sendEdoc(String from, String messageType, Path file) throws IOException {
        byte[] bytes = Files.readAllBytes(file);
        with("from", from).with("servicetype", "eDoc").with("messagetype", messageType);
        with("hash-file", unpadded(sha256(bytes)));
        Map<String, String> headers = headers(UrlStack.CONTENT_TYPE);
        return Reading.sent(version, url.post(at("sendEdoc"), headers, bytes));
    }

    /** `getReceivedEdocList` and the other calls with an empty body; their connections stay open. */
    Reading.Items list(String call) {
        String text = apache.post(at(call), headers(ApacheStack.CONTENT_TYPE), "", false);
        return Reading.items(version, call, text);
    }

    Reading.Items received(String messageType) {
        with("servicetype", "eDoc").with("messagetype", messageType);
        return list("getReceivedEdocList");
    }

    /** The document as text, written where `filePath` says. */
    Reading.Got getEdoc(String docId, String filePath) throws IOException {
        with("docId", docId).with("filePath", filePath);
        Reading.Got got = Reading.got(version, braces("getEdoc"));
        if (got != null && "0".equals(got.errorCode)) {
            got.file = store(filePath, docId, got.text.getBytes(StandardCharsets.UTF_8));
        }
        return got;
    }

    /** 2.0.1 alone: whatever is not empty is the document. */
    Reading.Got downloadEdoc(String docId, String filePath) throws IOException {
        only201();
        with("docId", docId).with("filePath", filePath);
        byte[] body = apache.get(at("downloadEdoc"), headers(ApacheStack.CONTENT_TYPE));
        Reading.Got got = new Reading.Got();
        boolean none = body == null || body.length == 0;
        got.status = none ? "FAIL" : "SUCCESS";
        got.errorCode = none ? "100" : "0";
        got.file = none ? null : store(filePath, docId, body);
        return got;
    }

    Reading.Plain updateStatus(String status) {
        with("status", status);
        return Reading.plain(braces("updateStatus"));
    }

    /** 2.0.1 alone. */
    Reading.Count count(String call) {
        only201();
        return Reading.count(braces(call));
    }

    Reading.Plain registerAgency(String body) {
        String text = apache.post(at("registerAgency"), headers(ApacheStack.CONTENT_TYPE), body, true);
        return Reading.plain(text);
    }

    Reading.Plain deleteAgency(String code) {
        with("AgencyCode", code);
        return Reading.plain(braces("deleteAgency"));
    }

    private String braces(String call) {
        return apache.post(at(call), headers(ApacheStack.CONTENT_TYPE), "{}", true);
    }

    private void only201() {
        if (version != Version.V2_0_1) {
            throw new IllegalStateException("2.0.0 has no such call");
        }
    }

    /** One of the stacks makes one slash of two, the other does not. */
    private String at(String call) {
        boolean slash = endpoint.endsWith("/") && !call.equals("sendEdoc");
        return (slash ? endpoint.substring(0, endpoint.length() - 1) : endpoint) + "/" + call;
    }

    /** Every header of a request that is not one of the stack's own. */
    private Map<String, String> headers(String contentType) {
        params.put("Content-Type", contentType);
        Map<String, String> signed = new LinkedHashMap<>();
        List<String> names = new ArrayList<>();
        for (Map.Entry<String, String> param : params.entrySet()) {
            signed.put(PREFIX + param.getKey(), param.getValue());
            names.add(param.getKey());
        }
        String text = JSON.toJson(signed);
        Map<String, String> headers = new LinkedHashMap<>(signed);
        headers.put(PREFIX + "sign-header-key", String.join(";", names));
        headers.put(PREFIX + "sign-header", text);
        headers.put(PREFIX + "hash-header", hmac(secret, text));
        headers.put(PREFIX + "version", "3.0.201608");
        headers.put("User-Agent", "JAVASDKAgent/1.0.0 XRoad/VPCP");
        headers.put("Content-Type", contentType);
        return headers;
    }

    /** The order in which the parameters stand in what is signed. */
    List<String> order() {
        return new ArrayList<>(params.keySet());
    }

    private static File store(String filePath, String docId, byte[] bytes) throws IOException {
        Calendar now = Calendar.getInstance();
        String folder = now.get(Calendar.YEAR) + "/" + (now.get(Calendar.MONTH) + 1);
        File file = new File(new File(filePath, folder), docId + ".edxml");
        Files.createDirectories(file.getParentFile().toPath());
        Files.write(file.toPath(), bytes);
        return file;
    }

    static String hmac(byte[] secret, String text) {
        try {
            Mac mac = Mac.getInstance("HmacSHA256");
            mac.init(new SecretKeySpec(secret, "HmacSHA256"));
            StringBuilder hex = new StringBuilder();
            for (byte b : mac.doFinal(text.getBytes(StandardCharsets.UTF_8))) {
                hex.append(String.format("%02x", b));
            }
            return hex.toString();
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }

    static byte[] sha256(byte[] bytes) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(bytes);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Each octet in hexadecimal without leading zeros. */
    static String unpadded(byte[] digest) {
        StringBuilder hex = new StringBuilder();
        for (byte b : digest) {
            hex.append(Integer.toHexString(b & 0xff));
        }
        return hex.toString();
    }
}
