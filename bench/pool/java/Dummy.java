// SPDX-License-Identifier: MIT

import java.sql.*;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.Executor;

/** A connection that does nothing, written out: a reflective proxy would be measured, too. */
final class Dummy implements Connection {
    final Resource resource = new Resource();
    private final Server server;
    private boolean up = true;

    Dummy(Server server, int password) {
        this.server = server;
        resource.password = password;
    }

    private static UnsupportedOperationException unused() {
        return new UnsupportedOperationException("not used here");
    }

    public synchronized void close() {
        if (up)
            server.closed();
        up = false;
    }

    public void abort(Executor executor) { close(); }
    public boolean isValid(int seconds) { return true; }
    public <T> T unwrap(Class<T> wanted) { return wanted.cast(this); }
    public boolean isWrapperFor(Class<?> wanted) { return wanted.isInstance(this); }

    public void setAutoCommit(boolean a) { }
    public boolean getAutoCommit() { return true; }
    public void commit() { }
    public void rollback() { }
    public boolean isClosed() { return !up; }
    public void setReadOnly(boolean a) { }
    public boolean isReadOnly() { return false; }
    public void setCatalog(String a) { }
    public String getCatalog() { return null; }
    public void setTransactionIsolation(int a) { }
    public int getTransactionIsolation() { return TRANSACTION_READ_COMMITTED; }
    public SQLWarning getWarnings() { return null; }
    public void clearWarnings() { }
    public void setHoldability(int a) { }
    public void setSchema(String a) { }
    public String getSchema() { return null; }
    public void setNetworkTimeout(Executor a, int b) { }
    public int getNetworkTimeout() { return 0; }

    public Statement createStatement() { throw unused(); }
    public PreparedStatement prepareStatement(String a) { throw unused(); }
    public CallableStatement prepareCall(String a) { throw unused(); }
    public String nativeSQL(String a) { throw unused(); }
    public DatabaseMetaData getMetaData() { throw unused(); }
    public Statement createStatement(int a, int b) { throw unused(); }
    public PreparedStatement prepareStatement(String a, int b, int c) { throw unused(); }
    public CallableStatement prepareCall(String a, int b, int c) { throw unused(); }
    public Map<String, Class<?>> getTypeMap() { throw unused(); }
    public void setTypeMap(Map<String, Class<?>> a) { throw unused(); }
    public int getHoldability() { throw unused(); }
    public Savepoint setSavepoint() { throw unused(); }
    public Savepoint setSavepoint(String a) { throw unused(); }
    public void rollback(Savepoint a) { throw unused(); }
    public void releaseSavepoint(Savepoint a) { throw unused(); }
    public Statement createStatement(int a, int b, int c) { throw unused(); }
    public PreparedStatement prepareStatement(String a, int b, int c, int d) { throw unused(); }
    public CallableStatement prepareCall(String a, int b, int c, int d) { throw unused(); }
    public PreparedStatement prepareStatement(String a, int b) { throw unused(); }
    public PreparedStatement prepareStatement(String a, int[] b) { throw unused(); }
    public PreparedStatement prepareStatement(String a, String[] b) { throw unused(); }
    public Clob createClob() { throw unused(); }
    public Blob createBlob() { throw unused(); }
    public NClob createNClob() { throw unused(); }
    public SQLXML createSQLXML() { throw unused(); }
    public void setClientInfo(String a, String b) { throw unused(); }
    public void setClientInfo(Properties a) { throw unused(); }
    public String getClientInfo(String a) { throw unused(); }
    public Properties getClientInfo() { throw unused(); }
    public Array createArrayOf(String a, Object[] b) { throw unused(); }
    public Struct createStruct(String a, Object[] b) { throw unused(); }
}
