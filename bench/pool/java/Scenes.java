// SPDX-License-Identifier: MIT

import java.sql.Connection;
import java.sql.SQLException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;

/** A spike, an outage, a password that keeps changing: scenes.c in Java, number for number. */
final class Scenes {
    private static final long MS = 1_000_000;
    private static final Pool pool = Frame.pool;
    private static final AtomicInteger asked = new AtomicInteger(), failed = new AtomicInteger();
    private static final Histogram[] waits = new Histogram[256];
    private static long began;

    static void sleep(long millis) {
        try {
            Thread.sleep(Math.max(0, millis));
        } catch (InterruptedException error) {
            throw new IllegalStateException(error);
        }
    }

    static void sleepUntil(long nanos) {
        for (long left = nanos - System.nanoTime(); left > 0; left = nanos - System.nanoTime())
            LockSupport.parkNanos(left);
    }

    private static void begin(int max, long patienceMillis) {
        for (int i = 0; i < waits.length; i++)
            waits[i] = new Histogram();
        pool.start(max, patienceMillis);
        began = System.nanoTime();
    }

    private static Connection take(int number) {
        long from = System.nanoTime();
        Connection connection = pool.takeOrNull();
        waits[number].add(System.nanoTime() - from);
        asked.incrementAndGet();
        if (connection == null)
            failed.incrementAndGet();
        return connection;
    }

    static void give(Connection connection, boolean broken) {
        try {
            pool.give(connection, broken);
        } catch (SQLException error) {
            throw new IllegalStateException(error);
        }
    }

    static int passwordOf(Connection connection) {
        try {
            return Pool.resourceOf(connection).password;
        } catch (SQLException error) {
            throw new IllegalStateException(error);
        }
    }

    private static Histogram allWaits() {
        for (int i = 1; i < waits.length; i++)
            waits[0].merge(waits[i]);
        return waits[0];
    }

    private static double ms(long nanos) { return (double) nanos / MS; }

    private static void spike() {
        pool.server.lagMillis = 150;
        begin(50, 10_000);
        Frame.threads(50, number -> {
            Connection connection = take(number);
            if (connection != null) {
                sleep(2);
                give(connection, false);
            }
        });
        long took = System.nanoTime() - began;
        Histogram all = allWaits();
        Frame.print("\"opened\": %d, \"failed\": %d, \"ms\": %.1f, \"p50_ms\": %.1f, \"max_ms\": %.1f",
                pool.server.attempts.get(), failed.get(), ms(took), ms(all.at(0.5)), ms(all.max));
    }

    private static void keepAsking(int number, long end, AtomicLong first) {
        for (long at = System.nanoTime(); first.get() == 0 && System.nanoTime() < began + end;) {
            Connection connection = take(number);
            if (connection != null) {
                first.compareAndSet(0, System.nanoTime() - began);
                give(connection, false);
            }
            at = Math.max(at + 10 * MS, System.nanoTime());
            sleepUntil(at);
        }
    }

    private static void outage() {
        final long length = 3_000 * MS, end = 13_000 * MS;
        AtomicLong first = new AtomicLong();
        AtomicInteger attempts = new AtomicInteger();
        pool.server.down = true;
        pool.server.lagMillis = 1;
        begin(8, 1_000);
        Thread repair = new Thread(() -> {
            sleepUntil(began + length);
            attempts.set(pool.server.attempts.get());
            pool.server.down = false;
        });
        repair.start();
        Frame.threads(8, number -> keepAsking(number, end, first));
        Frame.print("\"attempts\": %d, \"asked\": %d, \"answered_ms\": %.1f, \"first_ms\": %.1f",
                attempts.get(), asked.get(), ms(allWaits().at(0.5)),
                first.get() == 0 ? -1.0 : ms(first.get() - length));
    }

    private static void keepUsing(int number, AtomicBoolean over, AtomicInteger stale) {
        for (long at = System.nanoTime(); !over.get(); at += 400_000) {
            sleepUntil(at);
            int wanted = pool.password.get();
            Connection connection = take(number);
            if (connection == null)
                continue;
            if (passwordOf(connection) < wanted)
                stale.incrementAndGet();
            Frame.burn(25_000);
            give(connection, false);
        }
    }

    private static void rotate() {
        final int rotations = 30;
        AtomicInteger stale = new AtomicInteger();
        AtomicBoolean over = new AtomicBoolean();
        pool.server.lagMillis = 5;
        begin(8, 1_000);
        new Thread(() -> {
            for (int i = 1; i <= rotations; i++) {
                sleepUntil(began + i * 100 * MS);
                pool.rotate(1 + i);
            }
            sleep(100);
            over.set(true);
        }).start();
        Frame.threads(8, number -> keepUsing(number, over, stale));
        double seconds = ms(System.nanoTime() - began) / 1000;
        Histogram all = allWaits();
        Frame.print("\"rate\": %.0f, \"switched\": %d, \"failed\": %d, \"p999_us\": %.1f, "
                + "\"max_us\": %.1f, \"peak\": %d, \"stale\": %d", asked.get() / seconds,
                pool.password.get() - 1, failed.get(), all.at(0.999) / 1000.0, all.max / 1000.0,
                pool.server.peak.get(), stale.get());
    }

    static boolean run(String mode) {
        switch (mode) {
            case "spike": spike(); return true;
            case "outage": outage(); return true;
            case "rotate": rotate(); return true;
            default: return false;
        }
    }
}
