namespace Insa.Iiot.Storage.Postgres.Tests;

public sealed class PostgresStoreTests(PostgresCluster cluster) : PostgresStoreConformance(cluster);
