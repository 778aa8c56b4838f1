using Npgsql;

namespace Insa.Iiot.Storage.Postgres;

/// <summary>Statements of one tenant, in one round trip and one transaction. The only way in which the application's connections are used.</summary>
/// <remarks>
/// The first two statements name the tenant by transaction-local settings: nothing of it is left when the connection goes back to its
/// pool. A tenant that does not exist sees nothing. The statements' own predicate is <see cref="Number"/>.
/// </remarks>
internal sealed class TenantBatch : IAsyncDisposable
{
    /// <summary>The tenant's number within a statement: null, and so no row, unless the transaction has named a tenant.</summary>
    public const string Number = "(select nullif(current_setting('iiot.tenant', true), '')::int)";

    /// <summary>Planner settings with which rows come in the order of an index wherever there is one.</summary>
    public const string IndexOrder = "set_config('enable_sort', 'off', true), set_config('enable_bitmapscan', 'off', true)";

    // Looked for first: a conflict would use a number up each time. It remains for two that make the tenant at once.
    private const string MakeTenant =
        "insert into iiot.tenant (name) select $1 where not exists (select from iiot.tenant where name = $1) on conflict do nothing";

    private const string NameTenant =
        "select set_config('iiot.tenant', coalesce((select tenant_no::text from iiot.tenant where name = $1), ''), true)";

    private readonly NpgsqlConnection _connection;
    private readonly NpgsqlBatch _batch;
    private bool _prefersIndexOrder;

    private TenantBatch(NpgsqlConnection connection)
    {
        _connection = connection;
        _batch = new NpgsqlBatch(connection);
    }

    public static async Task<TenantBatch> OpenAsync(PostgresDatabase database, TenantId tenant, CancellationToken cancellationToken)
    {
        var name = tenant.Value; // throws for default before anything is opened
        await database.ReadyAsync(cancellationToken).ConfigureAwait(false);
        var batch = new TenantBatch(await database.App.OpenConnectionAsync(cancellationToken).ConfigureAwait(false));
        batch.Add("select set_config('iiot.tenant_name', $1, true)", Parameter.Text(name));
        batch.AddNumber(name);
        return batch;
    }

    /// <summary>Runs statements of a tenant.</summary>
    /// <returns>How many rows the last of them wrote.</returns>
    /// <exception cref="TelemetryStoreException">The server refused, or cannot be reached.</exception>
    public static async Task<int> RunAsync(
        PostgresDatabase database,
        TenantId tenant,
        Action<TenantBatch> add,
        CancellationToken cancellationToken
    )
    {
        try
        {
            var batch = await OpenAsync(database, tenant, cancellationToken).ConfigureAwait(false);
            await using var disposeBatch = batch.ConfigureAwait(false);
            add(batch);
            return await batch.ExecuteAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (PostgresErrors.IsOfStore(e))
        {
            throw PostgresErrors.ToStoreException(e);
        }
    }

    /// <summary>Runs statements of a tenant and takes the rows of the first.</summary>
    /// <exception cref="TelemetryStoreException">The server refused, or cannot be reached.</exception>
    public static async Task<IReadOnlyList<T>> ReadAsync<T>(
        PostgresDatabase database,
        TenantId tenant,
        Action<TenantBatch> add,
        Func<NpgsqlDataReader, T> map,
        CancellationToken cancellationToken
    )
    {
        try
        {
            var batch = await OpenAsync(database, tenant, cancellationToken).ConfigureAwait(false);
            await using var disposeBatch = batch.ConfigureAwait(false);
            add(batch);
            var rows = await batch.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
            await using var disposeRows = rows.ConfigureAwait(false);
            var all = new List<T>();
            while (await rows.ReadAsync(cancellationToken).ConfigureAwait(false))
                all.Add(map(rows));
            return all;
        }
        catch (Exception e) when (PostgresErrors.IsOfStore(e))
        {
            throw PostgresErrors.ToStoreException(e);
        }
    }

    /// <summary>Statements that make the tenant named $1 if it does not exist, and name it to those that follow.</summary>
    public static IReadOnlyList<string> MakeAndName { get; } = ["select set_config('iiot.tenant_name', $1, true)", MakeTenant, NameTenant];

    /// <summary>Adds a statement with parameters $1, $2, ...</summary>
    public void Add(string sql, params ReadOnlySpan<NpgsqlParameter> parameters)
    {
        var command = new NpgsqlBatchCommand(sql);
        foreach (var parameter in parameters)
            command.Parameters.Add(parameter);
        _batch.BatchCommands.Add(command);
    }

    /// <summary>Adds a statement that makes the tenant if it does not exist, and names it to those that follow.</summary>
    public void AddTenant(TenantId tenant)
    {
        Add(MakeTenant, Parameter.Text(tenant.Value));
        AddNumber(tenant.Value);
    }

    /// <summary>Lets the statements take rows in the order of an index wherever there is one, rather than sort what was read in another order.</summary>
    public void PreferIndexOrder()
    {
        if (_prefersIndexOrder)
            return;
        _prefersIndexOrder = true;
        _batch.BatchCommands[0].CommandText += $", {IndexOrder}";
    }

    /// <summary>Runs the statements.</summary>
    /// <returns>The rows of the first statement added after the tenant was named.</returns>
    public async Task<NpgsqlDataReader> ExecuteReaderAsync(CancellationToken cancellationToken)
    {
        var rows = await _batch.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            await rows.NextResultAsync(cancellationToken).ConfigureAwait(false);
            await rows.NextResultAsync(cancellationToken).ConfigureAwait(false);
            return rows;
        }
        catch
        {
            await rows.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Runs the statements.</summary>
    /// <returns>How many rows the last of them wrote.</returns>
    public async Task<int> ExecuteAsync(CancellationToken cancellationToken)
    {
        await _batch.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
        return (int)_batch.BatchCommands[^1].RecordsAffected;
    }

    public async ValueTask DisposeAsync()
    {
        await _batch.DisposeAsync().ConfigureAwait(false);
        await _connection.DisposeAsync().ConfigureAwait(false);
    }

    private void AddNumber(string name) => Add(NameTenant, Parameter.Text(name));
}
