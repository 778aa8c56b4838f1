using Insa.Iiot.Conformance;
using Insa.Iiot.Storage.Postgres.Jobs;
using Insa.Iiot.Storage.Postgres.Tests.Isolation;
using Microsoft.Extensions.DependencyInjection;

namespace Insa.Iiot.Storage.Postgres.Tests;

public sealed class TenantErasureTests(PostgresCluster cluster) : IAsyncLifetime
{
    private static readonly DeviceId Press = DeviceId.Parse("press");

    private readonly TwoTenants _data = new(cluster);

    private PostgresStore Store => _data.Store;

    private PostgresRetention Retention => Store.Services.GetRequiredService<PostgresRetention>();

    public ValueTask InitializeAsync() => _data.InitializeAsync();

    public ValueTask DisposeAsync() => _data.DisposeAsync();

    [Fact]
    public async Task Every_table_of_the_schema_is_emptied_of_one_tenant_and_kept_of_the_other()
    {
        await ReleaseHoldsAsync();
        var theirs = await _data.FingerprintAsync(_data.TheirsNo);
        Assert.DoesNotContain(await Store.Eraser.CountAsync(TwoTenants.Mine), rows => rows.Rows == 0 && rows.Table != "iiot.legal_hold");

        Assert.False((await Store.Eraser.EraseAsync(TwoTenants.Mine)).IsHeld);
        foreach (var table in _data.Relations.Where(relation => relation is { IsOfTenant: true, Kind: 'r' or 'p' }))
            Assert.Equal(0L, await Store.QueryAsync($"select count(*) from {table.Name} where tenant_no = {_data.MineNo}"));
        Assert.Equal(theirs, await _data.FingerprintAsync(_data.TheirsNo));
    }

    [Fact]
    public async Task What_has_no_column_of_the_tenant_is_known_to_be_no_tenants()
    {
        var tables = _data
            .Relations.Where(relation => relation is { IsOfTenant: false, IsLeaf: false, Kind: 'r' or 'p' or 'm' or 'f' })
            .Select(table => table.Name);
        Assert.Equal(
            [
                "iiot.platform_key",
                "iiot.platform_record",
                "iiot.schema_migration",
                "iiot_data.late_write",
                "iiot_data.rollup_closing",
                "iiot_data.telemetry_state",
            ],
            tables.Order(StringComparer.Ordinal)
        );
    }

    [Fact]
    public async Task While_a_hold_stands_nothing_is_erased()
    {
        var mine = await _data.FingerprintAsync(_data.MineNo);
        var erasure = await Store.Eraser.EraseAsync(TwoTenants.Mine);
        Assert.True(erasure.IsHeld);
        Assert.Empty(erasure.Deleted);
        Assert.Equal(mine, await _data.FingerprintAsync(_data.MineNo));

        foreach (var hold in await Retention.ListHoldsAsync(TwoTenants.Mine))
            await Retention.ReleaseAsync(TwoTenants.Mine, hold.Name);
        Assert.False((await Store.Eraser.EraseAsync(TwoTenants.Mine)).IsHeld);
        Assert.DoesNotContain(await Store.Eraser.CountAsync(TwoTenants.Mine), rows => rows.Rows != 0);
    }

    [Fact]
    public async Task Jobs_erase_nothing_that_was_not_asked_for_by_name()
    {
        await ReleaseHoldsAsync();
        var mine = await _data.FingerprintAsync(_data.MineNo);
        await using (var jobs = await RawConnection.OpenAsync(Store.Database.Jobs, _data.MineNo))
        {
            await jobs.ScalarAsync($"select iiot_data.begin_erasure({_data.MineNo})");
            var (_, refusal) = await jobs.TryAsync($"select iiot_data.erase_rows({_data.MineNo}, 'iiot_data.rollup_hour_made', 10)");
            Assert.Contains("has not begun", refusal!.MessageText, StringComparison.Ordinal);
            await jobs.TryAsync($"select iiot_data.finish_erasure({_data.MineNo})");
            await jobs.ExecuteAsync("commit");
        }

        Assert.Equal(mine, await _data.FingerprintAsync(_data.MineNo));
        foreach (var source in (Npgsql.NpgsqlDataSource[])[Store.Database.App, Store.Database.Writer])
        {
            await using var other = await RawConnection.OpenAsync(source, _data.MineNo);
            foreach (var call in (string[])["begin_erasure(1)", "erase_rows(1, 1::regclass, 1)", "finish_erasure(1)"])
                Assert.Equal(RawConnection.Refused, (await other.TryAsync($"select iiot_data.{call}")).Refusal?.SqlState);
        }
    }

    [Fact]
    public async Task A_host_that_remembers_the_tenants_numbers_writes_for_a_new_one()
    {
        await ReleaseHoldsAsync();
        await using var host = await PostgresStore.MakeAsync(cluster, Store.DatabaseName);
        await WriteAsync(host, minute: 0, frames: 1);
        await Store.Eraser.EraseAsync(TwoTenants.Mine);

        // One row at a time, and by COPY.
        await WriteAsync(host, minute: 1, frames: 1);
        await WriteAsync(host, minute: 2, frames: 400);
        await host.Streams.NoteAsync(CancellationToken.None);
        Assert.Equal(0L, await Store.QueryAsync($"select count(*) from iiot_data.telemetry_frame where tenant_no = {_data.MineNo}"));
        var points = 0;
        await foreach (var _ in Store.Reader.ReadAsync(TwoTenants.Mine, new TelemetryQuery { Device = Press }))
            points++;
        Assert.Equal(401, points);
    }

    [Fact]
    public async Task Who_looks_numbers_up_has_them_before_an_erasure_begins()
    {
        await ReleaseHoldsAsync();
        await Store.QueryAsync("update iiot.tenant set erase_requested_at = now() where name = 'mine'");
        await using var writer = await RawConnection.OpenAsync(Store.Database.Writer);
        await using var jobs = await RawConnection.OpenAsync(Store.Database.Jobs);
        var begin = $"select iiot_data.begin_erasure({_data.MineNo})";

        // The numbers that are there already take no other lock that an erasure would meet.
        Assert.Null((await writer.TryAsync("select iiot_data.find_streams('mine', array['shared'], array['said'])")).Refusal);
        Assert.Equal(Npgsql.PostgresErrorCodes.LockNotAvailable, (await jobs.TryAsync(begin)).Refusal?.SqlState);
        await writer.ExecuteAsync("commit");
        Assert.Equal(true, await jobs.ScalarAsync(begin));

        // From then on the name is nobody's.
        await jobs.ExecuteAsync("commit");
        await writer.ExecuteAsync("begin");
        var found = await writer.ScalarAsync("select tenant_no from iiot_data.find_streams('mine', array['shared'], array['said'])");
        Assert.NotEqual(_data.MineNo, found);
    }

    [Fact]
    public async Task An_erasure_that_was_stopped_hinders_no_job()
    {
        await ReleaseHoldsAsync();
        await WriteAsync(Store, minute: 0, frames: 10);
        using var stop = new CancellationTokenSource();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() =>
            Store.Eraser.EraseAsync(TwoTenants.Mine, new FirstReport(stop.Cancel), stop.Token)
        );
        await Store.SetPolicyAsync(TwoTenants.Theirs, new RetentionPolicy("*", RetentionTier.Raw, TimeSpan.FromDays(30)));
        await Store.Services.GetRequiredService<JobService>().RunOnceAsync(CancellationToken.None);
        await Retention.RunAsync();

        await Store.Eraser.EraseAsync(TwoTenants.Mine);
        Assert.DoesNotContain(await Store.Eraser.CountAsync(TwoTenants.Mine), rows => rows.Rows != 0);
    }

    private async Task ReleaseHoldsAsync() => await Store.QueryAsync("delete from iiot.legal_hold");

    private static async Task WriteAsync(PostgresStore store, int minute, int frames)
    {
        using var writer = new BatchWriter();
        for (var i = 0; i < frames; i++)
            writer.Add(TwoTenants.Mine, Press, TwoTenants.Noon.AddMinutes(minute).AddMilliseconds(i), frame => frame.AddDouble("n"u8, 7));
        await store.Sink.WriteAsync(writer.Batch, CancellationToken.None);
    }

    private sealed class FirstReport(Action handler) : IProgress<TenantRows>
    {
        public void Report(TenantRows value) => handler();
    }
}
