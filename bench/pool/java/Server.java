// SPDX-License-Identifier: MIT

import java.io.PrintWriter;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.logging.Logger;
import javax.sql.DataSource;

/** The fake server behind HikariCP, as backend.c is for the pools in C. */
final class Server implements DataSource {
    final AtomicInteger attempts = new AtomicInteger(), seen = new AtomicInteger(),
            peak = new AtomicInteger(), failNext = new AtomicInteger();
    volatile long lagMillis;
    volatile boolean down;

    void closed() { seen.decrementAndGet(); }

    private boolean refuses() {
        return failNext.getAndUpdate(left -> Math.max(0, left - 1)) > 0 || down;
    }

    public Connection getConnection(String user, String password) throws SQLException {
        attempts.incrementAndGet();
        peak.accumulateAndGet(seen.incrementAndGet(), Math::max);
        try {
            if (lagMillis > 0)
                TimeUnit.MILLISECONDS.sleep(lagMillis);
            if (refuses())
                throw new SQLException("refused");
        } catch (InterruptedException | SQLException error) {
            closed();
            throw error instanceof SQLException ? (SQLException) error : new SQLException(error);
        }
        return new Dummy(this, Integer.parseInt(password));
    }

    public Connection getConnection() throws SQLException { throw new SQLException("who are you?"); }
    public PrintWriter getLogWriter() { return null; }
    public void setLogWriter(PrintWriter writer) { }
    public int getLoginTimeout() { return 0; }
    public void setLoginTimeout(int seconds) { }
    public Logger getParentLogger() { return Logger.getGlobal(); }
    public <T> T unwrap(Class<T> wanted) { return wanted.cast(this); }
    public boolean isWrapperFor(Class<?> wanted) { return wanted.isInstance(this); }
}
