namespace Insa.Iiot.Storage.Postgres;

/// <summary>The roles that connections take, by their task.</summary>
internal static class PostgresRole
{
    public const string Owner = "iiot_owner";
    public const string Writer = "iiot_writer";
    public const string App = "iiot_app";
    public const string Jobs = "iiot_jobs";
}
