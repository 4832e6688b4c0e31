import java.io.IOException;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Date;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import javax.xml.parsers.DocumentBuilderFactory;
import org.w3c.dom.Document;

/**
 * The whole round of a document system against a running node, with a client as the public library is
 * one. What to call and what to send stands in a file of properties; prints a line for each step and ends
 * with another status than 0 at the first thing that is not as it must be.
 */
public final class Round {
    private static final long SOON_MS = 90_000;

    private final Properties given = new Properties();
    private final AxisClient.Version version;
    private final boolean newer;
    private final Path files;
    private final String store;
    /** One object for each system, as hubs keep them: whatever they call is left over in the next call. */
    private final AxisClient sender;
    private final AxisClient recipient;
    private int steps;

    private interface Step {
        void run() throws Exception;
    }

    private Round(Path properties) throws IOException {
        try (Reader reader = Files.newBufferedReader(properties, StandardCharsets.UTF_8)) {
            given.load(reader);
        }
        newer = given("version").equals("2.0.1");
        version = newer ? AxisClient.Version.V2_0_1 : AxisClient.Version.V2_0_0;
        files = Paths.get(given("files"));
        store = given("store");
        sender = client("sender");
        recipient = client("recipient");
    }

    public static void main(String[] arguments) throws Exception {
        Round round = new Round(Paths.get(arguments[0]));
        round.step("vectors", round::vectors);
        round.step("wrong key", round::wrongKey);
        if (round.given.containsKey("tap.sender")) {
            round.step("heads", round::heads);
        }
        round.step("send", round::send);
        round.step("receive", round::receive);
        round.step("letters", round::letters);
        round.step("statuses", round::statuses);
        round.step("sent", round::sent);
        round.step("agencies", round::agencies);
        if (round.given.containsKey("tap.sender")) {
            round.step("broken connections", round::broken);
        }
        round.step("left open", round::leftOpen);
        System.out.println(round.steps + " steps done");
    }

    private void step(String name, Step step) throws Exception {
        step.run();
        steps++;
        System.out.println("ok " + name);
    }

    private String given(String name) {
        String value = given.getProperty(name);
        check(value != null, name + " is given");
        return value;
    }

    private AxisClient client(String who) {
        return new AxisClient(version, given(who + ".endpoint"), given(who + ".system"), given(who + ".secret"), 3);
    }

    private AxisClient through(Tap tap, String who) {
        return new AxisClient(version, tap.endpoint(), given(who + ".system"), given(who + ".secret"), 3);
    }

    private Path file(String name) {
        return files.resolve(name + ".edxml");
    }

    private static void check(boolean holds, String what) {
        if (!holds) {
            throw new AssertionError(what);
        }
    }

    private static void same(Object expected, Object got, String what) {
        check(expected == null ? got == null : expected.equals(got), what + ": " + got + ", expected " + expected);
    }

    private static <T extends Reading.Plain> T fine(T answer, String what) {
        check(answer != null, what + " gave null");
        same("OK 0", answer.status + " " + answer.errorCode, what + " (" + answer.errorDesc + ")");
        return answer;
    }

    private static <T extends Reading.Plain> T refused(T answer, String code, String what) {
        check(answer != null, what + " gave null");
        same("FAIL " + code, answer.status + " " + answer.errorCode, what + " (" + answer.errorDesc + ")");
        check(answer.errorDesc.length() > 10, what + " tells no reason");
        return answer;
    }

    private static void soon(Supplier<String> what, BooleanSupplier holds) throws InterruptedException {
        long end = System.currentTimeMillis() + SOON_MS;
        while (!holds.getAsBoolean()) {
            check(System.currentTimeMillis() < end, "does not come: " + what.get());
            Thread.sleep(100);
        }
    }

    /** The vectors that were seen on the wire of the library itself. */
    private void vectors() {
        byte[] secret = "test-key-of-the-sender-0123456789".getBytes(StandardCharsets.UTF_8);
        String text = "{\"XroadVnpt-systemid\":\"000.00.12.H99\",\"XroadVnpt-timestamp\":\"21112026T212503+0999\","
                + "\"XroadVnpt-Content-Type\":\"application/json\"}";
        same("c766ed368fe309484d7f7d7482ab534251933179c6d2ff6bb752cfd9c4cad188", AxisClient.hmac(secret, text), "HMAC");
        byte[] abc = AxisClient.sha256("abc".getBytes(StandardCharsets.UTF_8));
        same("ba7816bf8f1cfea414140de5dae2223b0361a396177a9cb410ff61f2015ad", AxisClient.unpadded(abc), "hash-file");
        AxisClient one = client("sender");
        for (String name : "to from hash-file messagetype servicetype Content-Type".split(" ")) {
            one.with(name, "");
        }
        List<String> seen = Arrays.asList(
                "systemid", "servicetype", "messagetype", "hash-file", "from", "to", "timestamp", "Content-Type");
        same(seen, one.order(), "the order of the hash map");
    }

    private void wrongKey() throws Exception {
        AxisClient wrong = new AxisClient(
                version, given("sender.endpoint"), given("sender.system"), given("sender.secret") + "x", 3);
        same(0, refused(wrong.received("edoc"), "15", "a list").data.size(), "items");
        refused(wrong.getEdoc("1", store), "15", "getEdoc");
        refused(wrong.updateStatus("done"), "15", "updateStatus");
        // Twenty megabytes that nobody wants are read all the same, so that the reason is heard.
        same("", refused(wrong.sendEdoc(given("sender.system"), "edoc", file("2")), "15", "sendEdoc").docId, "DocId");
    }

    /** That the two stacks are what the description says of them, and are answered in kind. */
    private void heads() throws Exception {
        try (Tap tap = new Tap(given("tap.sender"))) {
            AxisClient through = through(tap, "sender");
            fine(through.received("edoc"), "a list");
            String head = tap.heads.get(0);
            has(head, "POST /getReceivedEdocList HTTP/1.1", "Content-Type: application/json", "Content-Length: 0",
                    "Connection: Keep-Alive", "Accept-Encoding: gzip,deflate", "XroadVnpt-version: 3.0.201608",
                    "User-Agent: JAVASDKAgent/1.0.0 XRoad/VPCP", "XroadVnpt-messagetype: edoc");
            check(!head.contains("Expect"), "nothing is expected for an empty body");
            refused(through.getEdoc("0", store), "20", "an id of nobody");
            has(tap.heads.get(1), "POST /getEdoc HTTP/1.1", "Content-Length: 2", "Expect: 100-continue");
            check(tap.answers.get(1).startsWith("HTTP/1.1 100 "), "the body is asked for: " + tap.answers.get(1));
            fine(through.sendEdoc(given("sender.system"), "edoc", file("1")), "sendEdoc");
            head = tap.heads.get(2);
            has(head, "POST /sendEdoc HTTP/1.1", "Content-Type: application/octet-stream", "Connection: keep-alive",
                    "Cache-Control: no-cache", "Pragma: no-cache", "Content-Length: " + (Files.size(file("1")) + 2));
            check(head.contains("\r\nAccept: text/html, image/gif, image/jpeg, "), "what the JDK accepts: " + head);
            check(!head.contains("Expect") && !head.contains("Transfer-Encoding"), "neither: " + head);
            // Cut to their low eight bits, which leaves a control character of the one and A3 of the other.
            through.with("filePath", "\u0103\u1ea3");
            refused(through.list("getAgenciesList"), "15", "letters that are lost");
            has(tap.heads.get(3), "XroadVnpt-filePath: \u0003\u00a3");
        }
    }

    private static void has(String head, String... lines) {
        List<String> there = Arrays.asList(head.split("\r\n"));
        for (String line : lines) {
            check(there.contains(line), "no line " + line + " in\n" + head);
        }
    }

    private final Map<String, String> sentIds = new HashMap<>();

    private void send() throws Exception {
        String from = given("sender.system");
        for (String name : Arrays.asList("1", "2", "Công văn số 3")) {
            if (name.startsWith("C")) {
                // Written as JSON in a parameter; later calls carry it along.
                sender.with("to", "[\"" + given("recipient.system") + "\"]");
            }
            Reading.Sent sent = fine(sender.sendEdoc(from, "edoc", file(name)), "sendEdoc " + name);
            check(sent.docId.matches("[0-9a-f-]{24,36}"), "DocId " + sent.docId);
            sentIds.put(name, sent.docId);
            same(sent.docId, fine(sender.sendEdoc(from, "edoc", file(name)), "again").docId, "DocId of the same");
        }
        AxisClient fresh = new AxisClient(version, given("sender.endpoint") + "/", from, given("sender.secret"), 3,
                new Date(System.currentTimeMillis() - 200L * 86_400_000));
        Reading.Sent again = fine(fresh.sendEdoc(from, "edoc", file("1")), "a fresh object, half a year old");
        same(sentIds.get("1"), again.docId, "DocId of the same file");
        // A list that is left over names others than the file does, seven hundred of them.
        List<String> codes = new ArrayList<>();
        for (int n = 0; n < 700; n++) {
            codes.add(String.format("\"000.%02d.%02d.H99\"", n / 90 + 1, n % 90 + 1));
        }
        fresh.with("to", codes.toString().replace(" ", ""));
        same("", refused(fresh.sendEdoc(from, "edoc", file("4")), "18", "a list left over").docId, "DocId");
        fine(fresh.received("edoc"), "a head of 25 KB by the other stack");
    }

    private static String text(Map<String, Object> item, String name) {
        return (String) item.get(name);
    }

    private List<Map<String, Object>> waiting(AxisClient client, String kind, int least) throws Exception {
        List<Map<String, Object>> items = new ArrayList<>();
        soon(() -> least + " of " + kind + ", but " + items, () -> {
            items.clear();
            items.addAll(fine(client.received(kind), "getReceivedEdocList " + kind).data);
            return items.size() >= least;
        });
        return items;
    }

    private void receive() throws Exception {
        List<Map<String, Object>> items = waiting(recipient, "edoc", 3);
        same(3, items.size(), "items");
        pages(items);
        Set<String> names = new HashSet<>(Arrays.asList("1", "2", "Công văn số 3"));
        for (Map<String, Object> item : items) {
            String id = text(item, "docId");
            same("edoc initial " + given("sender.code") + " " + given("recipient.code"), text(item, "messageType")
                    + " " + text(item, "status") + " " + text(item, "from") + " " + text(item, "to"), "an item");
            Reading.Got got = fine(recipient.getEdoc(id, store), "getEdoc");
            byte[] bytes = Files.readAllBytes(got.file.toPath());
            String name = null;
            for (String one : names) {
                name = Arrays.equals(bytes, Files.readAllBytes(file(one))) ? one : name;
            }
            check(names.remove(name), "a file that was sent, byte for byte");
            if (newer) {
                Reading.Got raw = recipient.downloadEdoc(id, store);
                same("SUCCESS", raw.status, "downloadEdoc");
                check(Arrays.equals(bytes, Files.readAllBytes(raw.file.toPath())), "the same by downloadEdoc");
            }
        }
        counts(recipient, "countReceiveEdoc", 3);
        refused(recipient.getEdoc("00000000-0000-4000-8000-000000000000", store), "20", "getEdoc of nothing");
        if (newer) {
            same("FAIL 100 null", recipient.downloadEdoc("0", store) + "", "downloadEdoc of nothing");
        }
        transport(items);
    }

    private void pages(List<Map<String, Object>> items) {
        AxisClient paging = client("recipient").with("pageSize", "2");
        List<Map<String, Object>> paged = new ArrayList<>();
        int[] sizes = {2, 1, 0};
        for (int page = 1; page <= 3; page++) {
            paging.with("pageIndex", "" + page);
            List<Map<String, Object>> some = fine(paging.received("edoc"), "a page").data;
            same(sizes[page - 1], some.size(), "items of page " + page);
            paged.addAll(some);
        }
        same(items, paged, "pages together");
        AxisClient dated = client("recipient").with("fromDate", "01/01/2020 00:00:00");
        dated.with("toDate", "02/01/2020 00:00:00");
        same(0, fine(dated.received("edoc"), "long ago").data.size(), "items of a time long ago");
        dated.with("toDate", "01/01/2099 00:00:00");
        same(3, fine(dated.received("edoc"), "until long hence").data.size(), "items until long hence");
    }

    private void counts(AxisClient client, String call, int expected) {
        if (newer) {
            same(expected, fine(client.count(call), call).count, call);
        }
    }

    /** Each says it in another spelling, and with what earlier calls left over. */
    private void transport(List<Map<String, Object>> items) throws Exception {
        String[] ids = items.stream().map(item -> text(item, "docId")).toArray(String[]::new);
        String[] words = {"processing", "fail", "done"};
        for (int n = 0; n < 3; n++) {
            fine(recipient.with("docId", ids[n]).with("docid", ids[n]).updateStatus(words[n]), words[n]);
        }
        fine(recipient.updateStatus("done"), "done twice");
        // `status: done` is left over, and hides nothing.
        items = waiting(recipient, "edoc", 2);
        same(2, items.size(), "items after one was done");
        same("processing fail", text(items.get(0), "status") + " " + text(items.get(1), "status"), "their states");
        counts(recipient, "countReceiveEdoc", 2);
        // The new one is named by one spelling, the old one stands in the other.
        recipient.getEdoc(ids[0], store);
        fine(recipient.with("docid", ids[0]).updateStatus("done"), "docid as hubs have it");
        fine(client("recipient").with("docId", ids[1]).updateStatus("done"), "docId alone");
        same(0, waiting(recipient, "edoc", 0).size(), "items after all were done");
    }

    /** Folders with Vietnamese letters: one stack damages them, the other writes them as the machine does. */
    private void letters() throws Exception {
        AxisClient odd = client("recipient");
        Reading.Got lost = refused(odd.getEdoc("0", store + "/Tải về"), "15", "letters that are lost");
        check(lost.errorDesc.contains("ASCII"), lost.errorDesc);
        refused(odd.received("edoc"), "15", "they are left over");
        fine(odd.sendEdoc(given("recipient.system"), "status", file("status-01")), "the stack that writes them");
        Reading.Got kept = refused(odd.getEdoc("0", store + "/café"), "20", "letters that can be brought back");
        check(kept.errorDesc.contains("docId"), kept.errorDesc);
    }

    private void statuses() throws Exception {
        String from = given("recipient.system");
        for (String name : Arrays.asList("4", "5")) {
            fine(sender.sendEdoc(given("sender.system"), "edoc", file(name)), "sendEdoc " + name);
        }
        Set<String> expected = new HashSet<>();
        for (int n = 1; n <= 5; n++) {
            expected.add("01 " + given("document." + n));
        }
        for (Map<String, Object> item : waiting(recipient, "edoc", 2)) {
            recipient.getEdoc(text(item, "docId"), store);
            fine(recipient.with("docid", text(item, "docId")).updateStatus("done"), "done");
        }
        for (String code : Arrays.asList("03", "04", "05", "06")) {
            fine(recipient.sendEdoc(from, "status", file("status-" + code)), "status " + code);
            expected.add(code + " " + given("document.1"));
        }
        fine(recipient.sendEdoc(from, "status", file("status-02")), "status 02");
        expected.add("02 " + given("document.2"));
        refused(recipient.sendEdoc(from, "status", file("status-wrong")), "21", "a status of nothing");
        // Asked back, agreed to one and not to the other.
        for (String name : Arrays.asList("status-13-4", "status-13-5")) {
            fine(sender.sendEdoc(given("sender.system"), "status", file(name)), name);
        }
        for (Map<String, Object> item : waiting(recipient, "status", 2)) {
            Reading.Got got = fine(recipient.getEdoc(text(item, "docId"), store), "a recall");
            check(told(got).startsWith("13 "), "a recall: " + told(got));
            fine(recipient.with("docid", text(item, "docId")).updateStatus("done"), "done");
        }
        fine(recipient.sendEdoc(from, "status", file("status-15")), "status 15");
        fine(recipient.sendEdoc(from, "status", file("status-16")), "status 16");
        expected.add("15 " + given("document.4"));
        expected.add("16 " + given("document.5"));
        Set<String> seen = new HashSet<>();
        soon(() -> expected + ", but " + seen, () -> confirmed(seen) && seen.containsAll(expected));
        check(seen.stream().noneMatch(one -> one.contains("#")), "documents that the system knows: " + seen);
        // The last ones may still be on their way.
        soon(() -> "an empty count", () -> confirmed(seen)
                && (!newer || fine(sender.count("countReceiveStatus"), "countReceiveStatus").count == 0));
    }

    /** Takes note of the statuses that wait, and confirms them. */
    private boolean confirmed(Set<String> seen) {
        try {
            for (Map<String, Object> item : waiting(sender, "status", 0)) {
                Reading.Got got = fine(sender.getEdoc(text(item, "docId"), store), "a status");
                seen.add(told(got));
                fine(sender.with("docid", text(item, "docId")).updateStatus("done"), "done");
            }
            return true;
        } catch (Exception e) {
            throw new IllegalStateException("seen: " + seen, e);
        }
    }

    /** What a status file says, and of which document, by the JDK's reader of XML. */
    private static String told(Reading.Got got) throws Exception {
        DocumentBuilderFactory factory = DocumentBuilderFactory.newInstance();
        factory.setNamespaceAware(true);
        Document document = factory.newDocumentBuilder().parse(got.file);
        String code = document.getElementsByTagNameNS("*", "StatusCode").item(0).getTextContent();
        return code + " " + document.getElementsByTagNameNS("*", "DocumentId").item(0).getTextContent();
    }

    private void sent() throws Exception {
        // The docId of a received one is left over: everything is listed.
        sender.with("messagetype", "edoc");
        Map<String, String> last = new HashMap<>();
        for (Map<String, Object> row : fine(sender.list("getSentEdocList"), "getSentEdocList").data) {
            last.put(text(row, "senderDocId"), text(row, "receiveStatus"));
        }
        same("06", last.get(sentIds.get("1")), "the newest status of one");
        same("02", last.get(sentIds.get("2")), "the newest status of another");
        sender.with("docId", sentIds.get("1"));
        List<Map<String, Object>> rows = fine(sender.list("getSentEdocList"), "getSentEdocList of one").data;
        same(1, rows.size(), "rows of one");
        same(given("recipient.code"), text(rows.get(0), "toCode"), "toCode");
    }

    private void agencies() {
        sender.with("level", "1");
        List<String> calls = new ArrayList<>(Arrays.asList("getAgenciesList", "getSynchronizeUnit"));
        if (newer) {
            calls.add("getAgenciesListQD20");
        }
        String name = given("sender.name");
        for (String call : calls) {
            List<Map<String, Object>> rows = fine(sender.list(call), call).data;
            check(rows.stream().anyMatch(row -> name.equals(row.get("name"))), call + " knows " + name + ": " + rows);
            check(rows.stream().noneMatch(row -> text(row, "code").isEmpty()), call + " has codes");
        }
        String body = "{\"id\":\"\",\"pcode\":\"%s\",\"code\":\"%s\",\"name\":\"%s\",\"mail\":\"\"}";
        String known = String.format(body, given("recipient.code"), given("sender.system"), name);
        fine(sender.registerAgency(known), "registerAgency of what is there");
        String news = String.format(body, given("recipient.code"), "H77", "Tỉnh mới");
        refused(sender.registerAgency(news), "20", "registerAgency of what is not");
        fine(sender.deleteAgency("H78"), "deleteAgency of what is not there");
        refused(sender.deleteAgency(given("sender.code")), "20", "deleteAgency of what is");
    }

    private void broken() throws Exception {
        String from = given("sender.system");
        try (Tap tap = new Tap(given("tap.sender"), Tap.Fate.ANSWER_LOST)) {
            AxisClient through = through(tap, "sender");
            Reading.Sent sent = fine(through.sendEdoc(from, "edoc", file("6")), "sendEdoc whose answer was lost");
            same(2, tap.heads.size(), "times it was sent");
            same(tap.heads.get(0), tap.heads.get(1), "the repeated head");
            same(sent.docId, fine(sender.sendEdoc(from, "edoc", file("6")), "once more").docId, "DocId");
        }
        try (Tap tap = new Tap(given("tap.sender"), Tap.Fate.REQUEST_CUT, Tap.Fate.REQUEST_CUT)) {
            AxisClient through = through(tap, "sender");
            Reading.Sent sent = through.sendEdoc(from, "edoc", file("7"));
            // Whether the JDK repeats it when the sending itself broke is its affair; the caller does.
            for (int n = 0; sent == null && n < 3; n++) {
                sent = through.sendEdoc(from, "edoc", file("7"));
            }
            fine(sent, "sendEdoc that broke off");
        }
        List<Map<String, Object>> items = waiting(recipient, "edoc", 2);
        same(2, items.size(), "items, each sent several times");
        String[] ids = items.stream().map(item -> text(item, "docId")).toArray(String[]::new);
        Tap.Fate lost = Tap.Fate.ANSWER_LOST;
        try (Tap tap = new Tap(given("tap.recipient"), lost, lost)) {
            AxisClient through = through(tap, "recipient").with("docId", ids[0]);
            fine(through.updateStatus("done"), "updateStatus, heard the third time");
            same(3, tap.heads.size(), "times it was called");
        }
        try (Tap tap = new Tap(given("tap.recipient"), lost, lost, lost)) {
            AxisClient through = through(tap, "recipient").with("docId", ids[1]);
            same("null null null", through.updateStatus("done") + "", "updateStatus that is never heard");
            same(3, tap.heads.size(), "times it was called");
        }
        same(0, waiting(recipient, "edoc", 0).size(), "items: what was never heard was done all the same");
    }

    /** More than an address may have open at once. */
    private void leftOpen() throws Exception {
        for (int n = 0; n < 80; n++) {
            fine(client("recipient").received("edoc"), "list " + n);
        }
        check(ApacheStack.LEFT_OPEN.size() > 80, "clients that were never closed");
        fine(recipient.sendEdoc(given("recipient.system"), "status", file("status-01")), "the other stack");
        counts(recipient, "countReceiveEdoc", 0);
    }
}
