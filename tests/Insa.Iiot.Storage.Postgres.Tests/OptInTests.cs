namespace Insa.Iiot.Storage.Postgres.Tests;

public sealed class OptInTests(PostgresCluster cluster)
{
    [Theory]
    [InlineData("TimescaleDB")]
    [InlineData("Citus")]
    public async Task Where_the_extension_is_not_the_script_refuses_and_changes_nothing(string extension)
    {
        var database = await cluster.MakeDatabaseAsync();
        var script = extension == "Citus" ? PostgresMigrations.CitusScript : PostgresMigrations.TimescaleScript;
        var before = await ShapeAsync(database);
        var file = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(file, script);
            var refusal = await Assert.ThrowsAsync<InvalidOperationException>(() =>
                cluster.Server.PsqlAsync(database, "-v", "ON_ERROR_STOP=1", "-f", file)
            );
            Assert.Contains($"{extension} is not in this database", refusal.Message, StringComparison.Ordinal);
            Assert.Equal(before, await ShapeAsync(database));
        }
        finally
        {
            File.Delete(file);
        }
    }

    private Task<object?> ShapeAsync(string database) =>
        cluster.Server.QueryAsync(
            "select string_agg(c.oid || c.relname || coalesce(c.relacl::text, ''), ',' order by c.oid) from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname like 'iiot%'",
            database
        );
}
