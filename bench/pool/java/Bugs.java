// SPDX-License-Identifier: MIT

import java.sql.Connection;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/** The behaviours that show a known bug: bugs.c in Java. */
final class Bugs {
    private static final long PATIENCE = 3_000, SETTLE = 100;
    private static final Pool pool = Frame.pool;

    private static double msSince(long from) { return (System.nanoTime() - from) / 1e6; }

    private static Connection mustTake() {
        Connection connection = pool.takeOrNull();
        if (connection == null)
            throw new IllegalStateException("there is nothing to take");
        return connection;
    }

    private static Thread waitOnce(AtomicInteger served, AtomicLong last) {
        Thread thread = new Thread(() -> {
            Connection connection = pool.takeOrNull();
            if (connection != null) {
                served.incrementAndGet();
                Scenes.give(connection, false);
            }
            last.set(System.nanoTime());
        });
        thread.start();
        return thread;
    }

    private static void brokenWithWaiters(int waiters, int failingOpens) throws Exception {
        AtomicInteger served = new AtomicInteger();
        AtomicLong last = new AtomicLong();
        List<Thread> threads = new ArrayList<>();
        pool.start(1, PATIENCE);
        Connection held = mustTake();
        for (int i = 0; i < waiters; i++)
            threads.add(waitOnce(served, last));
        Thread.sleep(SETTLE);
        pool.server.failNext.set(failingOpens);
        long from = System.nanoTime();
        Scenes.give(held, true);
        for (Thread thread : threads)
            thread.join();
        Frame.print("\"waiters\": %d, \"served\": %d, \"ms\": %.1f", waiters, served.get(),
                (last.get() - from) / 1e6);
    }

    private static void takeMore(List<Connection> all) {
        while (all.size() < 25) {
            Connection connection = pool.takeOrNull();
            if (connection == null)
                return;
            all.add(connection);
        }
    }

    private static void resize() throws Exception {
        final int max = 5;
        List<Connection> all = new ArrayList<>();
        pool.start(max, 250);
        while (all.size() < max)
            all.add(mustTake());
        for (int i = 0; i < 5; i++) {
            pool.resize(1);
            Thread.sleep(10);
            pool.resize(max);
            Thread.sleep(10);
        }
        takeMore(all);
        int most = all.size();
        all.forEach(connection -> Scenes.give(connection, false));
        all.clear();
        Thread.sleep(SETTLE);
        takeMore(all);
        Frame.print("\"max\": %d, \"leased\": %d, \"afterwards\": %d, \"peak\": %d", max, most,
                all.size(), pool.server.peak.get());
    }

    private static void watch(AtomicLong closingSince) {
        Thread watcher = new Thread(() -> {
            for (;; Scenes.sleep(50)) {
                long since = closingSince.get();
                if (since != 0 && msSince(since) > PATIENCE) {
                    Frame.print("\"stuck\": true");
                    Runtime.getRuntime().halt(0);
                }
            }
        });
        watcher.setDaemon(true);
        watcher.start();
    }

    private static void tryOn(AtomicBoolean stop) {
        while (!stop.get()) {
            Connection connection = pool.takeOrNull();
            if (connection != null)
                Scenes.give(connection, false);
        }
    }

    private static void closeRace() throws Exception {
        AtomicLong closingSince = new AtomicLong();
        double worst = 0;
        watch(closingSince);
        pool.server.lagMillis = 5; // so that one is being opened
        for (int i = 0; i < 20; i++) {
            AtomicBoolean stop = new AtomicBoolean();
            pool.start(2, 250);
            Thread one = new Thread(() -> tryOn(stop)), two = new Thread(() -> tryOn(stop));
            one.start();
            two.start();
            Thread.sleep(i % 10);
            long from = System.nanoTime();
            closingSince.set(from);
            pool.close();
            closingSince.set(0);
            worst = Math.max(worst, msSince(from));
            stop.set(true);
            one.join();
            two.join();
        }
        Frame.print("\"stuck\": false, \"ms\": %.1f", worst);
    }

    private static void silentHost() throws Exception {
        double worst = 0;
        pool.start(2, PATIENCE);
        Connection held = mustTake();
        pool.server.lagMillis = 1500;
        Thread other = waitOnce(new AtomicInteger(), new AtomicLong()); // it needs a second one
        Thread.sleep(SETTLE);
        for (long began = System.nanoTime(); msSince(began) < 1000; Thread.sleep(1)) {
            long from = System.nanoTime();
            Scenes.give(held, false);
            held = mustTake();
            worst = Math.max(worst, msSince(from));
        }
        Scenes.give(held, false);
        other.join();
        Frame.print("\"ms\": %.1f", worst);
    }

    private static void inFlight() throws Exception {
        int taken = 0, stale = 0;
        pool.start(2, PATIENCE);
        pool.server.lagMillis = 300;
        Thread opener = waitOnce(new AtomicInteger(), new AtomicLong());
        Thread.sleep(SETTLE);
        pool.rotate(2);
        for (long began = System.nanoTime(); msSince(began) < 1500; Thread.sleep(1)) {
            int wanted = pool.password.get();
            Connection connection = mustTake();
            taken += wanted == 2 ? 1 : 0;
            stale += Scenes.passwordOf(connection) < wanted ? 1 : 0;
            Scenes.give(connection, false);
        }
        opener.join();
        Frame.print("\"taken\": %d, \"stale\": %d", taken, stale);
    }

    static boolean run(String mode) throws Exception {
        switch (mode) {
            case "lost-wakeup": brokenWithWaiters(2, 1); return true;
            case "broken-return": brokenWithWaiters(1, 0); return true;
            case "resize": resize(); return true;
            case "close-race": closeRace(); return true;
            case "silent-host": silentHost(); return true;
            case "in-flight": inFlight(); return true;
            default: return false;
        }
    }
}
