using Npgsql;

namespace Insa.Iiot.Storage.Postgres.Tests.Isolation;

/// <summary>What an attacker has who can send any SQL over one of the product's own connections.</summary>
internal static class RawConnection
{
    public const string Refused = PostgresErrorCodes.InsufficientPrivilege;

    /// <summary>Opens one and begins a transaction with a tenant's number set, or none.</summary>
    public static async Task<NpgsqlConnection> OpenAsync(NpgsqlDataSource source, int? tenantNo = null)
    {
        var connection = await source.OpenConnectionAsync();
        await connection.ExecuteAsync("begin");
        if (tenantNo is { } number)
            await connection.ExecuteAsync($"set local iiot.tenant = '{number}'");
        return connection;
    }

    public static async Task<int> ExecuteAsync(this NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteNonQueryAsync();
    }

    public static async Task<object?> ScalarAsync(this NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync();
    }

    /// <summary>Runs a statement within the open transaction, which goes on whatever comes of it.</summary>
    /// <returns>How many rows came back or were written, or the server's refusal.</returns>
    public static async Task<(int Rows, PostgresException? Refusal)> TryAsync(this NpgsqlConnection connection, string sql)
    {
        await connection.ExecuteAsync("savepoint attempt");
        try
        {
            await using var command = new NpgsqlCommand(sql, connection);
            await using var rows = await command.ExecuteReaderAsync();
            var count = 0;
            while (await rows.ReadAsync())
                count++;
            await rows.CloseAsync();
            return (Math.Max(count, rows.RecordsAffected), null);
        }
        catch (PostgresException e)
        {
            await connection.ExecuteAsync("rollback to attempt");
            return (0, e);
        }
    }
}
