namespace Insa.Iiot.Storage.Postgres.Migrations;

/// <summary>One step of the schema: a file of SQL in this package.</summary>
internal sealed record PostgresMigration(int Version, string Name, string Sql, byte[] Checksum);
