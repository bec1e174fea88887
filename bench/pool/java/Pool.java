// SPDX-License-Identifier: MIT

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.concurrent.atomic.AtomicInteger;

/** HikariCP over the fake server. Its shortest patience is 250 ms; it has no try. */
final class Pool {
    final Server server = new Server();
    final AtomicInteger password = new AtomicInteger(1);
    private HikariDataSource source;

    void start(int max, long patienceMillis) {
        HikariConfig config = new HikariConfig();
        config.setDataSource(server);
        config.setUsername("bench");
        config.setPassword("1");
        config.setMaximumPoolSize(max);
        config.setMinimumIdle(0);
        config.setConnectionTimeout(Math.max(250, patienceMillis));
        config.setValidationTimeout(250);
        config.setInitializationFailTimeout(-1); // do not open one first
        source = new HikariDataSource(config);
    }

    Connection take() throws SQLException { return source.getConnection(); }

    Connection takeOrNull() {
        try {
            return take();
        } catch (SQLException error) {
            return null;
        }
    }

    static Resource resourceOf(Connection connection) throws SQLException {
        return connection.unwrap(Dummy.class).resource;
    }

    void give(Connection connection, boolean broken) throws SQLException {
        if (broken)
            source.evictConnection(connection);
        connection.close();
    }

    /** In place: new opens use the new password, what is open goes. */
    void rotate(int to) {
        source.getHikariConfigMXBean().setPassword(Integer.toString(to));
        source.getHikariPoolMXBean().softEvictConnections();
        password.set(to);
    }

    void resize(int max) { source.getHikariConfigMXBean().setMaximumPoolSize(max); }

    void close() { source.close(); }
}
