namespace Insa.Iiot.Storage.Sqlite;

/// <summary>Where the embedded store lives and how it is bounded. Checked when the host starts.</summary>
public sealed class SqliteStorageOptions
{
    /// <summary>The database file, made on first use with its folder and readable by its owner alone. Default <c>iiot-data/iiot.db</c>. It must lie on a local file system: WAL does not work over a network.</summary>
    public string Path { get; set; } = System.IO.Path.Combine("iiot-data", "iiot.db");

    /// <summary>How long a write waits for another process that holds the file. Default 5 s; 0 to 10 minutes.</summary>
    public TimeSpan BusyTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>The most dead letters kept per tenant; the oldest go first. Default 10,000; 0 to 10,000,000.</summary>
    public int MaxDeadLettersPerTenant { get; set; } = 10_000;

    /// <summary>
    /// What devices' pre-shared keys are sealed with at rest: 32 random bytes in Base64, the same for all hosts, kept apart from the database. Default
    /// none: then devices can have no pre-shared keys. Never logged.
    /// </summary>
    public string? CredentialKey { get; set; }
}
