// SPDX-License-Identifier: MIT
import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;

/**
 * An agent of reporter(8) in Java, by the rules of reporter-protocol(7).
 *
 *     var agent = new Reporter("reports.example.com", 12316, Reporter.INTERVAL, 0);
 *     agent.call(1, 2, "10.0.0.1", 8080, true);     // each call
 *     agent.overload(1, 2, "10.0.0.1", 8080, true); // when that changes
 *     agent.close(5);                               // at the end
 *
 * call(), add() and overload() only count and never wait for the network; a
 * thread reports each interval.  A peer that does not read makes that thread wait,
 * with one report of each key, some 300 KB for 10,000; the rest is the counts.
 *
 * As a program it reads lines "modid cmdid ip port succ err overload":
 *
 *     echo 1 2 10.0.0.1 8080 100 3 0 | java Reporter.java HOST PORT [INTERVAL]
 *
 * CALLER in the environment is our IPv4 address, by default that of the connection.
 */
public final class Reporter {
    static final double INTERVAL = 15; // seconds between reports, up to 60
    static final double HEARTBEAT = 60; // without a report until an empty one is sent
    static final double URGENT = 1; // seconds between reports of a changed overload
    static final int KEYS_MAX = 10000; // in memory; what is counted for others is dropped
    static final long FORGET = 3600; // seconds without calls after which a key is removed
    static final int RESULTS_MAX = 128; // of one report
    static final int CONNECT = 5; // seconds in which a connection is established
    static final double PAUSE_MIN = 2; // seconds before connecting again
    static final double PAUSE_MAX = 64;
    static final double STEADY = 10; // seconds after which a connection was not refused

    private record Key(int modid, int cmdid, long ip, int port) {}

    private record Report(int modid, int cmdid, long ts) {}

    /** What was counted for a key since its last report, and that report. */
    private static final class Figures {
        long succ, err, sentSucc, sentErr, ts; // ts: seconds since 1970; 0: none yet
        boolean overload, changed;
    }

    private final String host;
    private final int port;
    private final double interval;
    private final long caller;
    // Guarded by this, which is never held over the network.
    private final Map<Key, Figures> keys = new HashMap<>();
    private long dropped;
    private boolean urgent, closing, lost, read;
    // The thread's.
    private volatile boolean done;
    private boolean warned;
    private double until = Double.MAX_VALUE; // end by then
    private double due, nextUrgent, wrote = Double.NEGATIVE_INFINITY;
    private long time; // of day; never goes back, or rows would not change
    private final Thread thread = new Thread(this::run, "reporter");

    /** caller: our IPv4 address as a number; 0: that of the connection. */
    public Reporter(String host, int port, double interval, long caller) {
        this.host = host;
        this.port = port;
        this.interval = interval;
        this.caller = caller;
        due = monotonic() + Math.random() * interval;
        thread.setDaemon(true);
        thread.start();
    }

    public void call(int modid, int cmdid, String ip, int port, boolean ok) {
        add(modid, cmdid, ip, port, ok ? 1 : 0, ok ? 0 : 1);
    }

    public synchronized void add(
            int modid, int cmdid, String ip, int port, long succ, long err) {
        Figures f = find(modid, cmdid, ip, port);
        if (f != null) {
            f.succ += succ;
            f.err += err;
        }
    }

    public synchronized void overload(
            int modid, int cmdid, String ip, int port, boolean overloaded) {
        Figures f = find(modid, cmdid, ip, port);
        if (f == null || f.overload == overloaded) {
            return;
        }
        f.overload = overloaded;
        f.changed = urgent = true;
        notifyAll();
    }

    /** Report the rest.  Returns whether the reporter has read all of it. */
    public boolean close(double seconds) throws InterruptedException {
        synchronized (this) {
            until = monotonic() + seconds;
            closing = true;
            notifyAll();
        }
        thread.join((long) (seconds * 1000));
        return done;
    }

    public synchronized long dropped() {
        return dropped;
    }

    private Figures find(int modid, int cmdid, String ip, int port) {
        Key key = new Key(modid, cmdid, address(ip), port);
        Figures f = keys.get(key);
        if (f == null && keys.size() >= KEYS_MAX) {
            dropped++;
        } else if (f == null) {
            keys.put(key, f = new Figures());
        }
        return f;
    }

    private static long address(String ip) {
        long number = 0;
        for (String part : ip.split("\\.")) {
            number = number << 8 | Integer.parseInt(part);
        }
        return number;
    }

    private static double monotonic() {
        return System.nanoTime() / 1e9;
    }

    /** Wait for so many seconds, or until something has happened. */
    private synchronized void await(double seconds) throws InterruptedException {
        seconds = Math.min(seconds, until - monotonic());
        if (seconds > 0 && !lost) {
            wait((long) (seconds * 1000) + 1);
        }
    }

    /** Connect, again and again. */
    private void run() {
        double pause = PAUSE_MIN;
        try {
            while (!done && monotonic() < until) {
                if (round()) {
                    pause = PAUSE_MIN;
                }
                if (!done) {
                    await(pause * (1 + Math.random()) / 2);
                }
                pause = Math.min(2 * pause, PAUSE_MAX);
            }
        } catch (InterruptedException ended) {
            // nobody but the program's end does this
        }
    }

    /** Try each address, until one does not refuse us.  Returns if one did not. */
    private boolean round() throws InterruptedException {
        InetAddress[] found = {};
        try {
            found = InetAddress.getAllByName(host);
        } catch (IOException unknown) {
            // tried again
        }
        for (InetAddress address : found) {
            double began = Double.MAX_VALUE;
            try (Socket link = new Socket()) {
                link.connect(new InetSocketAddress(address, port), CONNECT * 1000);
                began = monotonic();
                done = serve(link);
            } catch (IOException failed) {
                // refused, not there, or lost
            }
            lost = false;
            if (done || monotonic() - began >= STEADY || monotonic() >= until) {
                return monotonic() - began >= STEADY;
            }
        }
        return false;
    }

    /** Nothing is ever sent to us, but the end is. */
    private void read(Socket link) {
        boolean ended = false;
        try (InputStream in = link.getInputStream()) {
            while (in.read() >= 0) {
                // ignored
            }
            ended = true;
        } catch (IOException failed) {
            // lost as well
        } // in.close() ends a write that waits
        synchronized (this) {
            lost = true;
            read = ended;
            notifyAll();
        }
    }

    /** The caller of reports from this address. */
    private long callerOf(InetAddress local) {
        if (caller != 0 || local instanceof Inet4Address) {
            return caller != 0 ? caller : address(local.getHostAddress());
        }
        if (!warned) {
            System.err.println("set the caller: " + local.getHostAddress()
                    + " is not an IPv4 address");
        }
        warned = true;
        return 0;
    }

    private boolean serve(Socket link) throws IOException, InterruptedException {
        long caller = callerOf(link.getLocalAddress());
        Thread reader = new Thread(() -> read(link), "reporter end");
        reader.setDaemon(true);
        reader.start();
        try {
            return report(link, caller, reader);
        } finally {
            link.close();
            reader.join();
        }
    }

    /**
     * Report until the connection is lost.  Returns whether that was the answer to
     * our end, after all was read.
     */
    private boolean report(Socket link, long caller, Thread reader)
            throws IOException, InterruptedException {
        byte[] data = encode(caller, true, false);
        while (true) {
            if (data.length > 0) {
                // While it does not read, this waits, and counts add up.
                link.getOutputStream().write(data);
                wrote = monotonic();
            }
            boolean closing, urgent;
            synchronized (this) {
                double now = monotonic();
                if (!lost && !this.closing && !this.urgent) {
                    await(due - now);
                } else if (!lost && !this.closing && now < Math.min(due, nextUrgent)) {
                    await(Math.min(due, nextUrgent) - now);
                }
                if (lost) {
                    return false;
                }
                now = monotonic();
                closing = this.closing;
                urgent = this.urgent && now >= nextUrgent && now < due;
                if (urgent) {
                    this.urgent = false;
                    nextUrgent = now + URGENT;
                }
            }
            data = new byte[0];
            if (closing || monotonic() >= due) {
                due = monotonic() + interval;
                data = encode(caller, false, false);
            } else if (urgent) {
                data = encode(caller, false, true);
            }
            if (closing) {
                link.getOutputStream().write(data);
                reader.join(10);
                synchronized (this) {
                    if (lost) {
                        return false; // its end came before ours
                    }
                }
                link.shutdownOutput();
                reader.join((long) (Math.max(0, until - monotonic()) * 1000) + 1);
                synchronized (this) {
                    return lost && read;
                }
            }
        }
    }

    /**
     * Whole reports of what is new.  again: and the last report of the other keys
     * once more; urgent: only of a changed overload.
     */
    private byte[] encode(long caller, boolean again, boolean urgent) throws IOException {
        Map<Report, List<Object>> reports = new HashMap<>();
        long now = Math.max(time, System.currentTimeMillis() / 1000);
        time = now;
        synchronized (this) {
            for (Iterator<Map.Entry<Key, Figures>> i = keys.entrySet().iterator(); i.hasNext();) {
                Map.Entry<Key, Figures> entry = i.next();
                Key key = entry.getKey();
                Figures f = entry.getValue();
                if (f.changed || !urgent && (f.succ != 0 || f.err != 0)) {
                    f.sentSucc = f.succ;
                    f.sentErr = f.err;
                    f.ts = now;
                    f.succ = f.err = 0;
                    f.changed = false;
                } else if (!again || f.ts == 0) {
                    if (!urgent && now - f.ts > FORGET) {
                        i.remove();
                    }
                    continue;
                }
                reports.computeIfAbsent(new Report(key.modid, key.cmdid, f.ts),
                        report -> new ArrayList<>()).add(List.of(key.ip, key.port,
                        f.sentSucc, f.sentErr, f.overload));
            }
        }
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        DataOutputStream out = new DataOutputStream(bytes);
        for (Map.Entry<Report, List<Object>> entry : reports.entrySet()) {
            Report report = entry.getKey();
            List<Object> results = entry.getValue();
            for (int i = 0; i < results.size(); i += RESULTS_MAX) {
                pack(out, List.of(1, report.modid, report.cmdid, caller, report.ts,
                        results.subList(i, Math.min(i + RESULTS_MAX, results.size()))));
            }
        }
        if (bytes.size() == 0 && monotonic() - wrote >= HEARTBEAT) {
            pack(out, List.of(1, 0, 0, caller, now, List.of()));
        }
        return bytes.toByteArray();
    }

    /** MessagePack: a truth value, a whole number or a list. */
    private static void pack(DataOutputStream out, Object value) throws IOException {
        if (value instanceof Boolean flag) {
            out.writeByte(flag ? 0xc3 : 0xc2);
        } else if (value instanceof Number number) {
            long n = number.longValue();
            if (n >= 0 && n < 128) {
                out.writeByte((int) n);
            } else if (n >= 0 && n < 1L << 32) {
                out.writeByte(0xce);
                out.writeInt((int) n);
            } else {
                out.writeByte(0xd3);
                out.writeLong(n);
            }
        } else if (value instanceof List<?> list) {
            out.writeByte(0xdc);
            out.writeShort(list.size());
            for (Object element : list) {
                pack(out, element);
            }
        }
    }

    public static void main(String[] arguments) throws Exception {
        double interval = arguments.length > 2 ? Double.parseDouble(arguments[2]) : INTERVAL;
        var agent = new Reporter(arguments[0], Integer.parseInt(arguments[1]), interval,
                address(System.getenv().getOrDefault("CALLER", "0")));
        // At the end, also by SIGTERM or SIGINT.
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            try {
                Runtime.getRuntime().halt(agent.close(5) ? 0 : 1);
            } catch (InterruptedException ended) {
                Runtime.getRuntime().halt(1);
            }
        }));
        var lines = new BufferedReader(new InputStreamReader(System.in));
        for (String line; (line = lines.readLine()) != null;) {
            String[] f = line.split(" ");
            try {
                int modid = Integer.parseInt(f[0]), cmdid = Integer.parseInt(f[1]);
                int port = Integer.parseInt(f[3]);
                long succ = Long.parseLong(f[4]), err = Long.parseLong(f[5]);
                boolean overloaded = f[6].equals("1");
                agent.add(modid, cmdid, f[2], port, succ, err);
                agent.overload(modid, cmdid, f[2], port, overloaded);
            } catch (NumberFormatException | ArrayIndexOutOfBoundsException malformed) {
                continue;
            }
        }
        System.exit(0);
    }
}
