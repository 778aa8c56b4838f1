using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace Insa.Iiot.Storage.Sqlite;

/// <summary>Says of every SQLite error whether it may pass, and what the operator can do (https://sqlite.org/rescode.html).</summary>
internal static class SqliteErrors
{
    public static TelemetryStoreException ToStoreException(int resultCode, string detail, Exception? inner = null)
    {
        var (isTransient, advice) = (resultCode & 0xFF) switch
        {
            raw.SQLITE_FULL => (true, "The disk is full: free some space."),
            raw.SQLITE_BUSY or raw.SQLITE_LOCKED => (true, "Another process holds the database: close it."),
            raw.SQLITE_IOERR => (true, "The disk failed to read or write: check it."),
            raw.SQLITE_READONLY or raw.SQLITE_PERM => (
                true,
                "The database is read-only: give this user the right to write to the file and its folder."
            ),
            raw.SQLITE_CANTOPEN => (true, "The database cannot be opened: check that its folder exists and may be written."),
            raw.SQLITE_NOMEM => (true, "Out of memory."),
            raw.SQLITE_CORRUPT or raw.SQLITE_NOTADB => (false, "The file is damaged or no database: restore it from a backup."),
            _ => (false, "The statement failed."),
        };
        return new TelemetryStoreException($"{advice} (SQLite {resultCode}: {detail})", isTransient, inner);
    }

    public static TelemetryStoreException ToStoreException(SqliteException e) => ToStoreException(e.SqliteErrorCode, e.Message, e);

    /// <summary>Throws unless the result code is one of success.</summary>
    public static void Check(sqlite3 database, int resultCode)
    {
        if (resultCode is not (raw.SQLITE_OK or raw.SQLITE_ROW or raw.SQLITE_DONE))
            throw ToStoreException(resultCode, raw.sqlite3_errmsg(database).utf8_to_string());
    }
}
