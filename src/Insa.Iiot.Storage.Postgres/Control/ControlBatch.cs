using Npgsql;

namespace Insa.Iiot.Storage.Postgres.Control;

/// <summary>The statements of some changes, in one round trip. Each names its tenant or kind before, by a transaction-local setting.</summary>
internal sealed class ControlBatch(NpgsqlConnection connection) : IAsyncDisposable
{
    /// <summary>Makes the tenant's counter $1 if it does not exist.</summary>
    public const string MakeCounter = $"""
        insert into iiot.control_counter (tenant_no, name) select {TenantBatch.Number}, $1
        where not exists (select from iiot.control_counter where tenant_no = {TenantBatch.Number} and name = $1) on conflict do nothing
        """;

    private readonly NpgsqlBatch _batch = new(connection);

    // What each statement must have come to, and for which change.
    private readonly List<(ulong? Rows, ControlOutcome Otherwise, int Change)> _expected = [];
    private ControlScope? _scope;
    private string? _platformKind;
    private int _change = -1;

    /// <summary>Adds a change, which is the caller's one at a place.</summary>
    public void Add(ControlChange change, int place)
    {
        _change = place;
        Enter(change.Scope, change.Kind);
        switch (change.Verb)
        {
            case ControlVerb.Count:
                AddCount(change, isRequired: true);
                break;
            case ControlVerb.Bound:
                AddBound(change);
                break;
            default:
                AddToRecord(change, ControlTables.Of(change.Scope));
                break;
        }
    }

    /// <summary>Adds statements the last of which must change one row, and counts it. No bound keeps anything from being removed.</summary>
    /// <remarks>The counter is locked first: who holds it, alone adds and removes what it counts.</remarks>
    public void AddCounted(TenantId tenant, string counter, long amount, params ReadOnlySpan<NpgsqlBatchCommand> statements)
    {
        _change = 1;
        Enter(ControlScope.Of(tenant), counter);
        AddCount(ControlChange.Count(tenant, counter, amount), isRequired: amount > 0);
        _change = 0;
        foreach (var statement in statements)
        {
            _batch.BatchCommands.Add(statement);
            _expected.Add((null, ControlOutcome.Done, 0));
        }

        _expected[^1] = (1, ControlOutcome.Changed, 0);
    }

    /// <summary>Makes the changes that are added, in one transaction, or none of them.</summary>
    public static async Task<ControlResult> CommitAsync(
        PostgresDatabase database,
        Action<ControlBatch> add,
        CancellationToken cancellationToken
    )
    {
        await database.ReadyAsync(cancellationToken).ConfigureAwait(false);
        var connection = await database.App.OpenConnectionAsync(cancellationToken).ConfigureAwait(false);
        await using var disposeConnection = connection.ConfigureAwait(false);
        var transaction = await connection.BeginTransactionAsync(cancellationToken).ConfigureAwait(false);
        await using var disposeTransaction = transaction.ConfigureAwait(false);
        var batch = new ControlBatch(connection);
        await using var disposeBatch = batch.ConfigureAwait(false);
        add(batch);
        var result = await batch.ExecuteAsync(cancellationToken).ConfigureAwait(false);
        if (result.Outcome == ControlOutcome.Done)
            await transaction.CommitAsync(cancellationToken).ConfigureAwait(false);
        return result;
    }

    public async Task<IReadOnlyList<T>> ReadPlatformAsync<T>(
        string kind,
        string sql,
        NpgsqlParameter[] parameters,
        Func<NpgsqlDataReader, T> map,
        CancellationToken cancellationToken
    )
    {
        Enter(ControlScope.Platform, kind);
        AddStatement(sql, null, ControlOutcome.Done, parameters);
        var rows = await _batch.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        await using var disposeRows = rows.ConfigureAwait(false);
        await rows.NextResultAsync(cancellationToken).ConfigureAwait(false);
        var all = new List<T>();
        while (await rows.ReadAsync(cancellationToken).ConfigureAwait(false))
            all.Add(map(rows));
        return all;
    }

    public ValueTask DisposeAsync() => _batch.DisposeAsync();

    /// <returns>Whether all came to what they must; otherwise the transaction is to be given up.</returns>
    private async Task<ControlResult> ExecuteAsync(CancellationToken cancellationToken)
    {
        await _batch.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
        var result = ControlResult.Done;
        for (var i = 0; i < _expected.Count; i++)
        {
            var (rows, otherwise, change) = _expected[i];
            if (rows is null || _batch.BatchCommands[i].Rows == rows)
                continue;
            if (result.Outcome == ControlOutcome.Done || change < result.Change)
                result = new ControlResult(otherwise, change);
        }

        return result;
    }

    private void Enter(ControlScope scope, string kind)
    {
        if (scope.IsPlatform)
        {
            if (_platformKind != kind)
                AddStatement("select set_config('iiot.platform_kind', $1, true)", null, ControlOutcome.Done, Parameter.Text(kind));
            _platformKind = kind;
            return;
        }

        if (_scope == scope)
            return;
        _scope = scope;
        foreach (var sql in TenantBatch.MakeAndName)
            AddStatement(sql, null, ControlOutcome.Done, Parameter.Text(scope.Tenant.Value));
    }

    private void AddToRecord(ControlChange change, ControlTables of)
    {
        var (kind, id) = (Parameter.Text(change.Kind), Parameter.Text(change.Id));
        var ofRecord = $"{of.Scope} and kind = $1 and id = $2";
        switch (change.Verb)
        {
            case ControlVerb.Insert:
                AddStatement(
                    $"insert into {of.Record} ({of.Columns}kind, id, version, body) values ({of.Values}$1, $2, 1, $3) on conflict do nothing",
                    1,
                    ControlOutcome.Exists,
                    kind,
                    id,
                    Parameter.Json(change.Body)
                );
                break;
            case ControlVerb.Replace:
                AddStatement(
                    $"update {of.Record} set version = version + 1, body = $4 where {ofRecord} and version = $3",
                    1,
                    ControlOutcome.Changed,
                    kind,
                    id,
                    Parameter.Number(change.Version),
                    Parameter.Json(change.Body)
                );
                AddStatement($"delete from {of.Key} where {ofRecord}", null, ControlOutcome.Done, kind.Clone(), id.Clone());
                break;
            case ControlVerb.Delete:
                AddStatement(
                    $"delete from {of.Record} where {ofRecord} and version = $3",
                    1,
                    ControlOutcome.Changed,
                    kind,
                    id,
                    Parameter.Number(change.Version)
                );
                return;
            default:
                AddStatement(
                    $"select from {of.Record} where {ofRecord} and version = $3 for share",
                    1,
                    ControlOutcome.Changed,
                    kind,
                    id,
                    Parameter.Number(change.Version)
                );
                return;
        }

        if (change.Keys.Count > 0)
            AddStatement(
                $"insert into {of.Key} ({of.Columns}kind, key, id) select {of.Values}$1, k, $2 from unnest($3) k on conflict do nothing",
                (ulong)change.Keys.Count,
                ControlOutcome.Exists,
                kind.Clone(),
                id.Clone(),
                Parameter.Texts([.. change.Keys])
            );
    }

    private void AddCount(ControlChange change, bool isRequired)
    {
        AddStatement(MakeCounter, null, ControlOutcome.Done, Parameter.Text(change.Kind));
        AddStatement(
            $"""
            update iiot.control_counter set used = used + $2 where tenant_no = {TenantBatch.Number} and name = $1
              and ($2 <= 0 or most is null or used + $2 <= most) and ($2 >= 0 or used + $2 >= least)
            """,
            isRequired ? 1 : null,
            change.Amount > 0 ? ControlOutcome.Full : ControlOutcome.Empty,
            Parameter.Text(change.Kind),
            Parameter.Number(change.Amount)
        );
    }

    private void AddBound(ControlChange change) =>
        AddStatement(
            $"""
            insert into iiot.control_counter (tenant_no, name, least, most) values ({TenantBatch.Number}, $1, $2, $3)
            on conflict (tenant_no, name) do update set least = excluded.least, most = excluded.most
            """,
            1,
            ControlOutcome.Changed,
            Parameter.Text(change.Kind),
            Parameter.Number(change.Least ?? 0),
            Parameter.Number(change.Most)
        );

    private void AddStatement(string sql, ulong? rows, ControlOutcome otherwise, params ReadOnlySpan<NpgsqlParameter> parameters)
    {
        var command = new NpgsqlBatchCommand(sql);
        foreach (var parameter in parameters)
            command.Parameters.Add(parameter);
        _batch.BatchCommands.Add(command);
        _expected.Add((rows, otherwise, _change));
    }
}
