using System.Globalization;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Options;

namespace Insa.Iiot.Storage.Sqlite;

/// <summary>The database file: one connection that writes, guarded by a lock, and pooled ones that only read. Opened and migrated on first use.</summary>
internal sealed class SqliteDatabase(IOptions<SqliteStorageOptions> options) : IDisposable
{
    private readonly Lock _sync = new();
    private SqliteConnection? _writer;
    private volatile bool _isReady;
    private bool _disposed;

    /// <summary>Does work on the writing connection; one caller at a time.</summary>
    /// <exception cref="TelemetryStoreException">The database refused.</exception>
    public T Write<T>(Func<SqliteConnection, T> work)
    {
        lock (_sync)
        {
            try
            {
                return work(Writer());
            }
            catch (SqliteException e)
            {
                throw SqliteErrors.ToStoreException(e);
            }
        }
    }

    /// <summary>Does work in one transaction, durable when it returns.</summary>
    public T Transact<T>(Func<SqliteCommand, T> work) =>
        Write(connection =>
        {
            using var transaction = connection.BeginTransaction(deferred: false);
            using var command = connection.CreateCommand();
            command.Transaction = transaction;
            var result = work(command);
            transaction.Commit();
            return result;
        });

    /// <summary>Does work on a connection that can only read, beside any other and beside the writer.</summary>
    /// <exception cref="TelemetryStoreException">The database refused.</exception>
    public T Read<T>(Func<SqliteConnection, T> work)
    {
        using var connection = OpenReader();
        try
        {
            return work(connection);
        }
        catch (SqliteException e)
        {
            throw SqliteErrors.ToStoreException(e);
        }
    }

    /// <summary>Opens a connection that can only read; dispose it to give it back.</summary>
    /// <exception cref="TelemetryStoreException">The database cannot be opened.</exception>
    public SqliteConnection OpenReader()
    {
        // The writer makes and migrates the file; from then on readers do not wait for it.
        if (!_isReady)
            Write(_ => true);
        try
        {
            return Open(SqliteOpenMode.ReadOnly);
        }
        catch (SqliteException e)
        {
            throw SqliteErrors.ToStoreException(e);
        }
    }

    public void Dispose()
    {
        lock (_sync)
        {
            _disposed = true;
            _writer?.Dispose();
            _writer = null;
            using var pooled = new SqliteConnection(ConnectionString(SqliteOpenMode.ReadOnly));
            SqliteConnection.ClearPool(pooled);
        }
    }

    private SqliteConnection Writer()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (_writer is not null)
            return _writer;

        CreateFile(Path.GetFullPath(options.Value.Path));
        var writer = Open(SqliteOpenMode.ReadWriteCreate);
        try
        {
            SqliteSchema.Migrate(writer);
        }
        catch
        {
            writer.Dispose();
            throw;
        }

        _isReady = true;
        return _writer = writer;
    }

    private SqliteConnection Open(SqliteOpenMode mode)
    {
        var connection = new SqliteConnection(ConnectionString(mode));
        try
        {
            connection.Open();
            using var command = connection.CreateCommand();
            var milliseconds = ((long)options.Value.BusyTimeout.TotalMilliseconds).ToString(CultureInfo.InvariantCulture);

            // FULL: in WAL mode anything less may lose the last commits with the power (https://sqlite.org/pragma.html#pragma_synchronous).
            command.CommandText =
                mode == SqliteOpenMode.ReadOnly
                    ? $"PRAGMA busy_timeout = {milliseconds}; PRAGMA query_only = 1"
                    : $"PRAGMA busy_timeout = {milliseconds}; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = 1; PRAGMA cache_size = -65536";
            command.ExecuteNonQuery();
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    private string ConnectionString(SqliteOpenMode mode) =>
        new SqliteConnectionStringBuilder
        {
            DataSource = Path.GetFullPath(options.Value.Path),
            Mode = mode,
            Pooling = mode == SqliteOpenMode.ReadOnly,

            // The provider tries again by itself for this long, in whole seconds of which 0 means for ever.
            DefaultTimeout = Math.Max(1, (int)Math.Ceiling(options.Value.BusyTimeout.TotalSeconds)),
        }.ToString();

    // It holds credentials' hashes and every tenant's data: nobody else on the machine reads it. The journal files take its mode over.
    private static void CreateFile(string path)
    {
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            if (File.Exists(path))
                return;
            var create = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
            if (!OperatingSystem.IsWindows())
                create.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
            new FileStream(path, create).Dispose();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException && !File.Exists(path))
        {
            throw new TelemetryStoreException($"The database file cannot be made: {e.Message}", isTransient: true, e);
        }
    }
}
