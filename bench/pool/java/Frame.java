// SPDX-License-Identifier: MIT

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.CyclicBarrier;
import java.util.function.IntConsumer;

/** The main program of HikariCP's harness, as frame.c is for the pools in C. */
final class Frame {
    static final Pool pool = new Pool();
    private static final VarHandle OWNER, RUNNING;
    private static double stepsPerNano;
    static volatile long sink;

    private boolean running = true;
    private long holdSteps;
    private int every;

    static {
        try {
            OWNER = MethodHandles.lookup().findVarHandle(Resource.class, "owner", int.class);
            RUNNING = MethodHandles.lookup().findVarHandle(Frame.class, "running", boolean.class);
        } catch (ReflectiveOperationException error) {
            throw new ExceptionInInitializerError(error);
        }
    }

    static void print(String format, Object... values) {
        System.out.printf(Locale.ROOT, "{\"peer\": \"HikariCP\", " + format + "}%n", values);
    }

    static void threads(int count, IntConsumer run) {
        List<Thread> all = new ArrayList<>();
        for (int i = 1; i <= count; i++) {
            int number = i;
            all.add(new Thread(() -> run.accept(number)));
        }
        all.forEach(Thread::start);
        try {
            for (Thread thread : all)
                thread.join();
        } catch (InterruptedException error) {
            throw new IllegalStateException(error);
        }
    }

    private static long burnSteps(long steps) {
        long x = steps;
        for (long i = 0; i < steps; i++)
            x = x * 6364136223846793005L + 1442695040888963407L;
        return x;
    }

    static void burn(long nanos) { sink = burnSteps((long) (nanos * stepsPerNano)); }

    private static void calibrate() {
        final long steps = 1_000_000;
        long best = Long.MAX_VALUE;
        for (int i = 0; i < 20; i++) {
            long from = System.nanoTime();
            sink = burnSteps(steps);
            best = Math.min(best, System.nanoTime() - from);
        }
        stepsPerNano = (double) steps / best;
    }

    static final class Worker {
        long began, cycles, failures, violations;
        final Histogram waits = new Histogram();
    }

    private void use(Worker worker, Resource resource, int number) {
        if ((int) OWNER.getOpaque(resource) != 0)
            worker.violations++;
        OWNER.setOpaque(resource, number);
        if (holdSteps > 0)
            sink = burnSteps(holdSteps);
        if ((int) OWNER.getOpaque(resource) != number)
            worker.violations++;
        OWNER.setOpaque(resource, 0);
    }

    private static void await(CyclicBarrier start) {
        try {
            start.await();
        } catch (InterruptedException | BrokenBarrierException error) {
            throw new IllegalStateException(error);
        }
    }

    private void cycle(Worker worker, int number) {
        worker.began = System.nanoTime();
        for (int i = 1; (boolean) RUNNING.getOpaque(this); i++) {
            try {
                Connection connection;
                if (every > 0 && i % every == 0) {
                    long from = System.nanoTime();
                    connection = pool.take();
                    worker.waits.add(System.nanoTime() - from);
                } else {
                    connection = pool.take();
                }
                use(worker, Pool.resourceOf(connection), number);
                pool.give(connection, false);
                worker.cycles++;
            } catch (SQLException error) {
                worker.failures++;
            }
        }
    }

    /**
     * Nanoseconds for each cycle. The conductor may start late among so many busy threads: the first
     * worker's clock counts.
     */
    private double pass(Worker[] workers, long millis, int every) {
        for (int i = 0; i < workers.length; i++)
            workers[i] = new Worker();
        this.every = every;
        RUNNING.setOpaque(this, true);
        CyclicBarrier start = new CyclicBarrier(workers.length + 1);
        long[] ended = new long[1];
        threads(workers.length + 1, number -> {
            await(start);
            if (number <= workers.length) {
                cycle(workers[number - 1], number);
            } else {
                Scenes.sleep(millis);
                RUNNING.setOpaque(this, false);
                ended[0] = System.nanoTime();
            }
        });
        long cycles = 0, began = Long.MAX_VALUE;
        for (Worker worker : workers) {
            cycles += worker.cycles;
            began = Math.min(began, worker.began);
        }
        return (double) (ended[0] - began) / cycles;
    }

    private static double fairness(Worker[] workers) {
        double sum = 0, squares = 0;
        for (Worker worker : workers) {
            sum += worker.cycles;
            squares += (double) worker.cycles * worker.cycles;
        }
        return squares > 0 ? sum * sum / (workers.length * squares) : 0;
    }

    private void run(int threads, int connections, long hold, double seconds) throws SQLException {
        Worker[] workers = new Worker[threads];
        long millis = (long) (seconds * 1000), cycles = 0, failures = 0, violations = 0;
        holdSteps = (long) (hold * stepsPerNano);
        pool.start(connections, 60_000);
        List<Connection> all = new ArrayList<>();
        for (int i = 0; i < connections; i++)
            all.add(pool.take());
        for (Connection connection : all)
            pool.give(connection, false);
        pass(workers, Math.max(1000, millis / 2), 0); // the compiler is to be done by then
        double nanos = pass(workers, millis, 0);
        double jain = fairness(workers);
        for (Worker worker : workers) {
            cycles += worker.cycles;
            failures += worker.failures;
            violations += worker.violations;
        }
        pass(workers, millis, hold > 0 ? 1 : 8);
        Histogram waits = new Histogram();
        for (Worker worker : workers) {
            failures += worker.failures;
            violations += worker.violations;
            waits.merge(worker.waits);
        }
        print("\"cycles\": %d, \"ns\": %.2f, \"p50\": %d, \"p99\": %d, \"p999\": %d, \"max\": %d, "
                + "\"jain\": %.3f, \"violations\": %d, \"failed\": %d, \"opened\": %d",
                cycles, nanos, waits.at(0.5), waits.at(0.99), waits.at(0.999), waits.max, jain,
                violations, failures, pool.server.attempts.get());
        pool.close();
    }

    public static void main(String[] arguments) throws Exception {
        calibrate();
        if (arguments.length == 5 && arguments[0].equals("cycle"))
            new Frame().run(Integer.parseInt(arguments[1]), Integer.parseInt(arguments[2]),
                    Long.parseLong(arguments[3]), Double.parseDouble(arguments[4]));
        else if (arguments.length != 1 || !(Scenes.run(arguments[0]) || Bugs.run(arguments[0])))
            throw new IllegalArgumentException("no such mode");
        System.exit(0); // whatever threads are left
    }
}
