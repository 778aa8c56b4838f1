using System.Net.Sockets;
using Npgsql;

namespace Insa.Iiot.Storage.Postgres;

/// <summary>Says of every error whether it may pass, and what the operator can do (PostgreSQL documentation, appendix A).</summary>
internal static class PostgresErrors
{
    // sequence_generator_limit_exceeded: an identity column has no number left.
    private const string NumbersUsedUp = "2200H";

    /// <summary>Whether the data itself is at fault: then the same data fails again, and other data does not.</summary>
    /// <remarks>
    /// Numbers that have run out are of class 22 too, and what it refers to being gone of class 23, but no data is at fault: it was there when it was
    /// looked up.
    /// </remarks>
    public static bool IsAboutData(PostgresException e) =>
        e.SqlState[..2] is "22" or "23" && e.SqlState is not (NumbersUsedUp or PostgresErrorCodes.ForeignKeyViolation)
        || e.SqlState is PostgresErrorCodes.ProgramLimitExceeded or PostgresErrorCodes.RaiseException;

    /// <summary>Whether one statement or transaction asked for more than the server has memory or locks for: less of it may do.</summary>
    public static bool IsTooMuch(PostgresException e) => e.SqlState == PostgresErrorCodes.OutOfMemory;

    /// <summary>Whether a client's own failure means that the server could not be reached or did not answer.</summary>
    public static bool IsOfStore(Exception e) => e is NpgsqlException or TimeoutException or SocketException or IOException;

    public static TelemetryStoreException ToStoreException(Exception e) =>
        e switch
        {
            TelemetryStoreException store => store,
            PostgresException server => FromServer(server),
            TimeoutException => new TelemetryStoreException("PostgreSQL did not answer in time.", isTransient: true, e),

            // Npgsql's own messages name the host and port, never the password.
            _ => new TelemetryStoreException(
                $"PostgreSQL cannot be reached: check that the server runs and the connection string is right. ({e.Message})",
                isTransient: true,
                e
            ),
        };

    // Only what is about the data is for good. All else is the operator's to mend, and nothing may be given up until then.
    private static TelemetryStoreException FromServer(PostgresException e)
    {
        var (isTransient, advice) = e.SqlState switch
        {
            PostgresErrorCodes.DiskFull => (true, "The server's disk is full: free some space."),
            PostgresErrorCodes.OutOfMemory => (
                true,
                "The server is out of memory, or of locks: raise max_locks_per_transaction, or make partitions wider."
            ),
            PostgresErrorCodes.ForeignKeyViolation => (true, "What it refers to was deleted meanwhile."),
            NumbersUsedUp => (true, "The numbers of a table have run out: see docs/postgres.md."),
            PostgresErrorCodes.TooManyConnections => (
                true,
                "The server takes no more connections: raise max_connections or lower the hosts'."
            ),
            PostgresErrorCodes.InvalidPassword or PostgresErrorCodes.InvalidAuthorizationSpecification => (
                true,
                "The server refuses the login: check user name and password."
            ),
            PostgresErrorCodes.InvalidCatalogName => (true, "The database does not exist: create it (docs/postgres.md)."),
            PostgresErrorCodes.InsufficientPrivilege => (true, "A right is missing: check the logins' roles (docs/postgres.md)."),
            PostgresErrorCodes.InvalidParameterValue
                when e.Routine == "check_role" || e.MessageText.Contains("role", StringComparison.Ordinal) => (
                true,
                "A role is missing: run the roles script once, as an administrator (docs/postgres.md)."
            ),
            PostgresErrorCodes.ReadOnlySqlTransaction => (true, "The server takes no writes: it is a standby, or is failing over."),
            PostgresErrorCodes.UndefinedTable or PostgresErrorCodes.UndefinedFunction or PostgresErrorCodes.InvalidSchemaName => (
                true,
                "The schema is missing or too old: run the migrations."
            ),
            PostgresErrorCodes.DataCorrupted or PostgresErrorCodes.IndexCorrupted => (
                true,
                "The server reports damaged data: look at its log."
            ),
            _ => (!IsAboutData(e), "The server refused the statement."),
        };
        return new TelemetryStoreException($"{advice} (PostgreSQL {e.SqlState}: {e.MessageText})", isTransient, e);
    }
}
