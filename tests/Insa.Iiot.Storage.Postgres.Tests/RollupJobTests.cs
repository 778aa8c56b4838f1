using Insa.Iiot.Storage.Postgres.Jobs;
using Microsoft.Extensions.DependencyInjection;

namespace Insa.Iiot.Storage.Postgres.Tests;

public sealed class RollupJobTests(PostgresCluster cluster)
{
    private static readonly TimeSpan Span = TimeSpan.FromHours(54);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public async Task Whatever_comes_when_and_wherever_the_job_dies_the_rollups_end_as_if_made_at_once(int seed)
    {
        var random = new Random(seed);
        await using var world = await RollupWorld.MakeAsync(cluster);
        for (var round = 0; round < 25; round++)
        {
            await world.WriteRandomAsync(random, random.Next(1, 60), Span);
            world.Time.Advance(TimeSpan.FromMinutes(random.Next(300)));
            if (random.Next(3) > 0)
                await world.MakeJob().RunAsync(random.Next(6), CancellationToken.None);
            if (random.Next(6) == 0)
                await world.Store.Services.GetRequiredService<Compactor>().CompactAsync(int.MaxValue, CancellationToken.None);
        }

        world.Time.SetUtcNow(new DateTimeOffset(RollupWorld.Start + Span).AddHours(20));
        await world.MakeJob().RunAsync(int.MaxValue, CancellationToken.None);

        var now = world.Time.GetUtcNow().UtcDateTime.AddMinutes(-2);
        RollupWorld.AssertSame(await world.ModelAsync(now.AddTicks(-(now.Ticks % TimeSpan.TicksPerHour))), await world.ReadRollupsAsync());
        Assert.Equal(
            0L,
            await world.Store.QueryAsync(
                "select (select count(*) from iiot_data.rollup_pending) + (select count(*) from iiot_data.rollup_closing) + (select count(*) from iiot_data.rollup_pending_day where day < '2026-05-02')"
            )
        );
    }

    [Fact]
    public async Task An_hour_is_closed_when_it_and_the_grace_are_over()
    {
        await using var world = await RollupWorld.MakeAsync(cluster);
        await world.WriteRandomAsync(new Random(1), 20, TimeSpan.FromHours(1));
        world.Time.Advance(TimeSpan.FromMinutes(61));
        await world.Job.RunAsync(int.MaxValue, CancellationToken.None);
        Assert.Empty(await world.ReadRollupsAsync());

        world.Time.Advance(TimeSpan.FromMinutes(1));
        await world.Job.RunAsync(int.MaxValue, CancellationToken.None);
        Assert.NotEmpty(await world.ReadRollupsAsync());
    }

    [Fact]
    public async Task A_write_that_is_under_way_is_waited_for_but_not_long()
    {
        await using var world = await RollupWorld.MakeAsync(cluster);
        await world.WriteRandomAsync(new Random(1), 20, TimeSpan.FromHours(1));
        world.Time.Advance(TimeSpan.FromHours(2));

        await using var writer = await world.Store.Database.Writer.OpenConnectionAsync();
        await using (var transaction = await writer.BeginTransactionAsync())
        {
            await using var begin = new Npgsql.NpgsqlCommand("select iiot_data.begin_write()", writer);
            await begin.ExecuteNonQueryAsync();
            var run = world.Job.RunAsync(int.MaxValue, CancellationToken.None);
            while (!run.IsCompleted)
            {
                world.Time.Advance(TimeSpan.FromMilliseconds(200));
                await Task.Yield();
            }

            await run;
            Assert.Empty(await world.ReadRollupsAsync());
        }

        await world.Job.RunAsync(int.MaxValue, CancellationToken.None);
        Assert.NotEmpty(await world.ReadRollupsAsync());
    }

    [Fact]
    public async Task A_mark_that_comes_while_its_hour_is_rolled_up_stays()
    {
        await using var world = await RollupWorld.MakeAsync(cluster);
        await world.WriteRandomAsync(new Random(1), 50, TimeSpan.FromHours(1));
        world.Time.Advance(TimeSpan.FromHours(2));
        await world.Job.RunAsync(2, CancellationToken.None);

        // A writer that has marked its hours and written its frames, and has not committed.
        await using var writer = await world.Store.Database.Writer.OpenConnectionAsync();
        await using (var transaction = await writer.BeginTransactionAsync())
        {
            await using var mark = new Npgsql.NpgsqlCommand("select iiot_data.mark_late(array[1, 1], array[1, 2], array[$1, $1])", writer);
            mark.Parameters.Add(new Npgsql.NpgsqlParameter { Value = RollupWorld.Start });
            await mark.ExecuteNonQueryAsync();
            await world.Job.RunAsync(int.MaxValue, CancellationToken.None);
            Assert.Equal(0L, await world.Store.QueryAsync("select count(*) from iiot_data.rollup_pending"));
            await transaction.CommitAsync();
        }

        Assert.Equal(2L, await world.Store.QueryAsync("select count(*) from iiot_data.rollup_pending"));
    }

    [Fact]
    public async Task Only_one_host_works_at_a_time()
    {
        await using var world = await RollupWorld.MakeAsync(cluster);
        await using var other = await world.Store.Database.Jobs.OpenConnectionAsync();
        await using var hold = new Npgsql.NpgsqlCommand("select pg_advisory_lock(7461203)", other);
        await hold.ExecuteNonQueryAsync();
        Assert.Equal(0, await world.Job.RunAsync(int.MaxValue, CancellationToken.None));
    }

    [Fact]
    public async Task The_application_sees_the_rollups_of_its_tenant_alone()
    {
        await using var world = await RollupWorld.MakeAsync(cluster);
        await world.WriteRandomAsync(new Random(1), 200, TimeSpan.FromHours(1));
        world.Time.Advance(TimeSpan.FromHours(30));
        await world.Job.RunAsync(int.MaxValue, CancellationToken.None);
        foreach (var view in (string[])["rollup_minute", "rollup_hour", "rollup_day"])
        {
            await using var batch = await TenantBatch.OpenAsync(world.Store.Database, RollupWorld.Tenants[0], CancellationToken.None);
            batch.Add($"select count(*), count(distinct tenant_no) from iiot.{view}");
            await using var row = await batch.ExecuteReaderAsync(CancellationToken.None);
            await row.ReadAsync();
            Assert.True(row.GetInt64(0) > 0);
            Assert.Equal(1, row.GetInt64(1));
        }

        await using var app = await world.Store.Database.App.OpenConnectionAsync();
        await using var bare = new Npgsql.NpgsqlCommand("select count(*) from iiot.rollup_hour", app);
        Assert.Equal(0L, await bare.ExecuteScalarAsync());
        await using var below = new Npgsql.NpgsqlCommand("select count(*) from iiot_data.rollup_hour", app);
        await Assert.ThrowsAsync<Npgsql.PostgresException>(() => below.ExecuteScalarAsync());
    }
}
