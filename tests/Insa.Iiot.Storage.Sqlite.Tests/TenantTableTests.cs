using Insa.Iiot.Storage.Sqlite.Erasure;

namespace Insa.Iiot.Storage.Sqlite.Tests;

public sealed class TenantTableTests
{
    [Fact]
    public void Whose_the_rows_of_every_table_are_is_known()
    {
        using var store = new SqliteStore();
        var tables = store.Database.Read(TenantTable.FindAll);
        var all = (string)
            store.Query(
                "SELECT group_concat(name, ' ' ORDER BY name) FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
            )!;
        Assert.Equal(
            ["meta", "telemetry_open", "tenant"],
            all.Split(' ').Except(tables.Select(table => table.Name), StringComparer.Ordinal).Order(StringComparer.Ordinal)
        );
        Assert.All(tables, table => Assert.NotEmpty(table.Key));
    }

    [Fact]
    public void A_table_that_nobody_knows_is_not_passed_over()
    {
        using var store = new SqliteStore();
        store.Database.Write(connection =>
        {
            using var command = connection.CreateCommand();
            command.CommandText = "CREATE TABLE fresh (id INTEGER PRIMARY KEY, whose TEXT)";
            return command.ExecuteNonQuery();
        });
        Assert.Throws<InvalidOperationException>(() => store.Database.Read(TenantTable.FindAll));
    }
}
