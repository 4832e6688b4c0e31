import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import java.io.File;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * What the library makes of answers: a member that it needs and does not find leaves all fields null, one
 * bad member of one item loses the whole list, some faults give no result at all. Callers see no exception.
 */
final class Reading {
    private Reading() {}

    /** What every answer has. */
    static class Plain {
        String status;
        String errorCode;
        String errorDesc;

        @Override
        public String toString() {
            return status + " " + errorCode + " " + errorDesc;
        }
    }

    static final class Sent extends Plain {
        String docId;
    }

    static final class Got extends Plain {
        String text;
        File file;
    }

    static final class Count extends Plain {
        int count = -1;
    }

    static final class Items extends Plain {
        List<Map<String, Object>> data;
    }

    private static final Map<String, String[]> TEXTS = new HashMap<>();
    private static final String[] NUMBERS = {"version"};
    private static final String[] FLAGS = {"deleted", "isAgency"};

    static {
        TEXTS.put("getReceivedEdocList", new String[] {
            "docId", "serviceType", "messageType", "created_time", "updated_time", "from", "to", "status", "status_desc"});
        TEXTS.put("getSentEdocList", new String[] {
            "serviceType", "messageType", "senderDocId", "receiverDocId", "fromCode", "toCode", "title", "notation",
            "sentTime", "receivedTime", "sendStatus", "sendStatusDesc", "receiveStatus", "receiveStatusDesc"});
        TEXTS.put("getAgenciesList", new String[] {"id", "pid", "code", "name", "mail", "oldCode"});
        TEXTS.put("getAgenciesListQD20", new String[] {"id", "code", "code102", "name", "mail"});
        TEXTS.put("getSynchronizeUnit", new String[] {"id", "pid", "code", "name", "mail", "centerCode", "modifyDate"});
    }

    static Sent sent(AxisClient.Version version, UrlStack.Answer answer) {
        if (answer == null || answer.body.length == 0) {
            return null;
        }
        boolean taken = answer.status == 200 || answer.status == 201;
        if (!taken && answer.status < 400) {
            return null;
        }
        boolean ascii = taken && version == AxisClient.Version.V2_0_1;
        Charset charset = ascii ? StandardCharsets.US_ASCII : Charset.defaultCharset();
        Sent sent = new Sent();
        fill(sent, new String(answer.body, charset), all -> sent.docId = text(all, "DocId"), () -> sent.docId = null);
        return sent;
    }

    static Plain plain(String text) {
        Plain plain = new Plain();
        fill(plain, text, all -> {}, () -> {});
        return plain;
    }

    static Count count(String text) {
        Count count = new Count();
        fill(count, text, all -> {
            if (!"FAIL".equals(text(all, "status"))) {
                count.count = all.get("count").getAsInt();
            }
        }, () -> {});
        return count;
    }

    /** 2.0.0 decodes `data` also of a failure. */
    static Got got(AxisClient.Version version, String text) {
        Got got = new Got();
        fill(got, text, all -> {
            boolean failed = "FAIL".equals(text(all, "status"));
            if (!failed || version == AxisClient.Version.V2_0_0) {
                byte[] bytes = Base64.getMimeDecoder().decode(text(all, "data"));
                got.text = new String(bytes, StandardCharsets.UTF_8);
            }
        }, () -> got.text = null);
        return got;
    }

    /** Of several words that are no JSON the older version makes null, the newer one success without items. */
    static Items items(AxisClient.Version version, String call, String text) {
        Items items = new Items();
        try {
            if (text != null) {
                parse(text);
            }
        } catch (JsonParseException e) {
            items.status = "OK";
            items.errorCode = "0";
            items.errorDesc = "Success";
            items.data = new ArrayList<>();
            return version == AxisClient.Version.V2_0_0 ? null : items;
        } catch (IllegalStateException e) {
            return items;
        }
        fill(items, text, all -> {
            if (!all.has("data") || all.get("data").isJsonNull()) {
                return;
            }
            items.data = new ArrayList<>();
            for (JsonElement one : all.getAsJsonArray("data")) {
                items.data.add(item(call, one.getAsJsonObject()));
            }
        }, () -> items.data = null);
        return items;
    }

    private static Map<String, Object> item(String call, JsonObject one) {
        Map<String, Object> item = new HashMap<>();
        for (String name : TEXTS.get(call)) {
            if (one.has(name)) {
                item.put(name, text(one, name));
            }
        }
        for (String name : NUMBERS) {
            if (one.has(name)) {
                item.put(name, one.get(name).getAsInt());
            }
        }
        for (String name : FLAGS) {
            if (one.has(name)) {
                item.put(name, one.get(name).getAsBoolean());
            }
        }
        return item;
    }

    private interface More {
        void read(JsonObject all);
    }

    /** All or nothing, as the library's catch-all makes it. */
    private static void fill(Plain plain, String text, More more, Runnable undo) {
        try {
            JsonObject all = parse(text);
            String status = text(all, "status");
            String code = text(all, "ErrorCode");
            String words = text(all, "ErrorDesc");
            more.read(all);
            plain.status = status;
            plain.errorCode = code;
            plain.errorDesc = words;
        } catch (JsonParseException | IllegalStateException | NullPointerException
                | IllegalArgumentException | UnsupportedOperationException e) {
            undo.run();
        }
    }

    /** The way that the Gson of the library has and later ones still have. */
    @SuppressWarnings("deprecation")
    private static JsonObject parse(String text) {
        return new JsonParser().parse(text).getAsJsonObject();
    }

    /** A list is no text, not even one of a single text. */
    private static String text(JsonObject of, String name) {
        JsonElement value = of.get(name);
        if (!value.isJsonPrimitive()) {
            throw new UnsupportedOperationException(name);
        }
        return value.getAsString();
    }
}
