using Insa.Iiot.Conformance;
using Insa.Iiot.Storage.Postgres.Jobs;
using Insa.Iiot.Storage.Postgres.Rollups;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace Insa.Iiot.Storage.Postgres.Tests;

public sealed class RetentionTests(PostgresCluster cluster) : IAsyncLifetime
{
    private static readonly TenantId Plant = TenantId.Parse("plant");
    private static readonly TenantId Other = TenantId.Parse("other");
    private static readonly DeviceId Press = DeviceId.Parse("press");
    private static readonly DeviceId Pump = DeviceId.Parse("pump");
    private static readonly DateTime Today = TimeProvider.System.GetUtcNow().UtcDateTime.Date;

    private PostgresStore _store = null!;

    public async ValueTask InitializeAsync() => _store = await PostgresStore.MakeAsync(cluster);

    public ValueTask DisposeAsync() => _store.DisposeAsync();

    [Fact]
    public async Task Without_a_policy_everything_is_kept()
    {
        await WriteDaysAsync(Plant, "n", 40, 10);
        await SettleAsync();
        Assert.Empty((await Retention.RunAsync()).Actions);
        Assert.Equal(2, await CountAsync(Plant, "n"));
    }

    [Fact]
    public async Task Points_go_after_their_time_and_their_rollups_stay()
    {
        await WriteDaysAsync(Plant, "n", 40, 10);
        await WriteDaysAsync(Other, "n", 40);
        await _store.SetPolicyAsync(Plant, new RetentionPolicy("*", RetentionTier.Raw, TimeSpan.FromDays(30)));
        await SettleAsync();
        var hours = await _store.QueryAsync("select count(*) from iiot_data.rollup_hour");

        var report = await Retention.RunAsync();
        Assert.Equal(
            (Plant, RetentionActionKind.DeleteRows, 1L),
            Assert.Single(report.Actions.Select(one => (one.Tenant, one.Kind, one.Rows)))
        );
        Assert.Equal(1, await CountAsync(Plant, "n"));
        Assert.Equal(1, await CountAsync(Other, "n"));
        Assert.Equal(hours, await _store.QueryAsync("select count(*) from iiot_data.rollup_hour"));
        Assert.Empty((await Retention.RunAsync()).Actions);
    }

    [Fact]
    public async Task A_policy_that_keeps_longer_than_there_are_dates_stops_nobody()
    {
        foreach (var tenant in (TenantId[])[Plant, Other])
            await WriteDaysAsync(tenant, "n", 40);
        await _store.SetPolicyAsync(Plant, new RetentionPolicy("*", RetentionTier.Raw, TimeSpan.MaxValue));
        await _store.SetPolicyAsync(Plant, new RetentionPolicy("*", RetentionTier.Hour, TimeSpan.MaxValue));
        await _store.SetPolicyAsync(Other, new RetentionPolicy("*", RetentionTier.Raw, TimeSpan.FromDays(30)));
        await SettleAsync();
        await Retention.RunAsync();
        Assert.Equal((1, 0), (await CountAsync(Plant, "n"), await CountAsync(Other, "n")));
    }

    [Fact]
    public async Task The_policy_that_says_most_of_a_metrics_name_counts()
    {
        foreach (var metric in (string[])["vibration.x", "vibration.y", "temp"])
            await WriteDaysAsync(Plant, metric, 20);
        await _store.SetPolicyAsync(Plant, new RetentionPolicy("*", RetentionTier.Raw, TimeSpan.FromDays(30)));
        await _store.SetPolicyAsync(Plant, new RetentionPolicy("vibration.*", RetentionTier.Raw, TimeSpan.FromDays(7)));
        await _store.SetPolicyAsync(Plant, new RetentionPolicy("vibration.y", RetentionTier.Raw, TimeSpan.FromDays(300)));
        await SettleAsync();
        await Retention.RunAsync();
        Assert.Equal(
            (0, 1, 1),
            (await CountAsync(Plant, "vibration.x"), await CountAsync(Plant, "vibration.y"), await CountAsync(Plant, "temp"))
        );
    }

    [Fact]
    public async Task What_is_held_stays_until_the_hold_is_released()
    {
        await WriteDaysAsync(Plant, "n", 40, 39);
        await _store.SetPolicyAsync(Plant, new RetentionPolicy("*", RetentionTier.Raw, TimeSpan.FromDays(30)));
        await Retention.HoldAsync(Plant, new LegalHold("case", "pr*", "?", Today.AddDays(-41), Today.AddDays(-39), "a case"));
        await SettleAsync();
        await Retention.RunAsync();
        Assert.Equal(1, await CountAsync(Plant, "n"));
        Assert.Equal("a case", Assert.Single(await Retention.ListHoldsAsync(Plant)).Reason);

        Assert.True(await Retention.ReleaseAsync(Plant, "case"));
        await Retention.RunAsync();
        Assert.Equal(0, await CountAsync(Plant, "n"));
    }

    [Fact]
    public async Task A_dry_run_says_what_it_would_do_and_does_nothing()
    {
        await WriteDaysAsync(Plant, "n", 40, 10);
        await _store.SetPolicyAsync(Plant, new RetentionPolicy("*", RetentionTier.Raw, TimeSpan.FromDays(30)));
        await SettleAsync();
        var would = await Retention.RunAsync(dryRun: true);
        Assert.True(would.IsDryRun);
        Assert.Equal(2, await CountAsync(Plant, "n"));
        var did = await Retention.RunAsync();
        Assert.Equal(
            would.Actions.Select(one => (one.Tenant, one.Kind, one.Rows)),
            did.Actions.Select(one => (one.Tenant, one.Kind, one.Rows))
        );
    }

    [Fact]
    public async Task Points_whose_rollup_says_something_else_stay_and_are_reported()
    {
        await WriteDaysAsync(Plant, "n", 40);
        await _store.SetPolicyAsync(Plant, new RetentionPolicy("*", RetentionTier.Raw, TimeSpan.FromDays(30)));
        await SettleAsync();
        await _store.QueryAsync("update iiot_data.rollup_hour set max = max + 1");
        var kept = Assert.Single((await Retention.RunAsync()).Actions);
        Assert.Equal((RetentionActionKind.Keep, 1L), (kept.Kind, kept.Rows));
        Assert.NotEmpty(kept.Reason);
        Assert.Equal(1, await CountAsync(Plant, "n"));
    }

    [Fact]
    public async Task A_partition_that_nobody_keeps_is_dropped_as_a_whole()
    {
        await WriteDaysAsync(Plant, "n", 100, 10);
        foreach (var tier in Enum.GetValues<RetentionTier>())
            await _store.SetPolicyAsync(Plant, new RetentionPolicy("*", tier, TimeSpan.FromDays(30)));
        await SettleAsync();
        var report = await Retention.RunAsync();
        Assert.Contains(report.Actions, one => one is { Tier: RetentionTier.Raw, Kind: RetentionActionKind.DropPartition, Tenant: null });
        Assert.Contains(report.Actions, one => one is { Tier: RetentionTier.Hour, Kind: RetentionActionKind.DropPartition });
        Assert.Equal(1, await CountAsync(Plant, "n"));
    }

    [Fact]
    public async Task Frames_that_nobody_keeps_go_with_their_partition_once_the_rollups_are_proven()
    {
        await WriteDaysAsync(Plant, "n", 40);
        await _store.SetPolicyAsync(Plant, new RetentionPolicy("*", RetentionTier.Raw, TimeSpan.FromDays(30)));
        await Rollups.RunAsync(int.MaxValue, CancellationToken.None);
        await _store.QueryAsync("update iiot_data.rollup_hour set n = n + 1");
        Assert.Contains((await Retention.RunAsync()).Actions, one => one.Kind == RetentionActionKind.Keep);
        Assert.Equal(1, await CountAsync(Plant, "n"));

        await _store.QueryAsync("update iiot_data.rollup_hour set n = n - 1");
        Assert.Contains((await Retention.RunAsync()).Actions, one => one.Kind == RetentionActionKind.DropPartition);
        Assert.Equal(0, await CountAsync(Plant, "n"));
    }

    [Fact]
    public async Task A_late_point_does_not_replace_the_rollup_of_points_that_have_gone()
    {
        await WriteDaysAsync(Plant, "n", 40);
        await _store.SetPolicyAsync(Plant, new RetentionPolicy("*", RetentionTier.Raw, TimeSpan.FromDays(30)));
        await SettleAsync();
        await Retention.RunAsync();
        await WriteAsync(Plant, "n", Today.AddDays(-40).AddHours(3).AddMinutes(1), 1000);
        await SettleAsync();
        Assert.Equal(40.0, await _store.QueryAsync("select max(max) from iiot_data.rollup_hour"));
        Assert.Equal(40.0, await _store.QueryAsync("select max(max) from iiot_data.rollup_day"));
        await Retention.RunAsync();
        Assert.Equal(0, await CountAsync(Plant, "n"));
    }

    [Fact]
    public async Task A_late_point_does_not_replace_a_rollup_while_another_devices_points_are_held()
    {
        await WriteDaysAsync(Plant, "n", 40);
        await WriteAsync(Plant, "n", Today.AddDays(-40).AddHours(3), 7, Pump);
        await WriteAsync(Plant, "n", Today.AddDays(-40).AddHours(3.5), 8);
        await _store.SetPolicyAsync(Plant, new RetentionPolicy("*", RetentionTier.Raw, TimeSpan.FromDays(30)));
        await Retention.HoldAsync(Plant, new LegalHold("case", "pump", "*", DateTime.MinValue, DateTime.MaxValue, "a case"));
        await SettleAsync();
        await Retention.RunAsync();
        await WriteAsync(Plant, "n", Today.AddDays(-40).AddHours(3).AddMinutes(1), 1000);
        await WriteAsync(Plant, "n", Today.AddDays(-40).AddHours(3).AddMinutes(1), 2000, Pump);
        await SettleAsync();

        // Of the held device all points are there, and so its hour is made again.
        Assert.Equal("2:40,2:2000", await HoursAsync("n || ':' || max"));
        Assert.Equal(
            "2:40,2:2000",
            await _store.QueryAsync("select string_agg(n || ':' || max, ',' order by device_no) from iiot_data.rollup_day")
        );
        await Retention.RunAsync();
        Assert.Equal(0, await CountAsync(Plant, "n"));
    }

    [Fact]
    public async Task Points_that_come_after_their_time_are_rolled_up_before_they_go()
    {
        await WriteDaysAsync(Plant, "n", 39);
        await _store.SetPolicyAsync(Plant, new RetentionPolicy("*", RetentionTier.Raw, TimeSpan.FromDays(30)));
        await SettleAsync();
        await Retention.RunAsync();
        await WriteDaysAsync(Plant, "n", 40);
        await WriteAsync(Plant, "n", Today.AddDays(-39).AddHours(5), 5);
        await SettleAsync();
        Assert.Equal("1:40,1:39,1:5", await HoursAsync("n || ':' || max"));
        Assert.Equal(2L, await _store.QueryAsync("select count(*) from iiot_data.rollup_day"));
        await Retention.RunAsync();
        Assert.Equal(0, await CountAsync(Plant, "n"));
        Assert.Equal("1:40,1:39,1:5", await HoursAsync("n || ':' || max"));
    }

    [Fact]
    public async Task Points_beside_which_others_are_not_rolled_up_yet_stay_until_they_are()
    {
        await WriteDaysAsync(Plant, "n", 40);
        await _store.SetPolicyAsync(Plant, new RetentionPolicy("*", RetentionTier.Raw, TimeSpan.FromDays(30)));
        await SettleAsync();
        await WriteAsync(Plant, "n", Today.AddDays(-40).AddHours(3.5), 50);
        await Retention.RunAsync();
        await SettleAsync();
        Assert.Equal("2:50", await HoursAsync("n || ':' || max"));
        await Retention.RunAsync();
        Assert.Equal(0, await CountAsync(Plant, "n"));
    }

    [Fact]
    public async Task Hours_stay_until_their_day_is_made()
    {
        await WriteDaysAsync(Plant, "n", 40);
        await _store.SetPolicyAsync(Plant, new RetentionPolicy("*", RetentionTier.Hour, TimeSpan.FromDays(30)));
        await SettleAsync();
        await _store.QueryAsync(
            "insert into iiot_data.rollup_pending_day select tenant_no, device_no, bucket from iiot_data.rollup_day; delete from iiot_data.rollup_day"
        );
        await Retention.RunAsync();
        await SettleAsync();
        Assert.Equal(1L, await _store.QueryAsync("select n from iiot_data.rollup_day"));
        await Retention.RunAsync();
        Assert.Equal(0L, await _store.QueryAsync("select count(*) from iiot_data.rollup_hour"));
        Assert.Equal(1L, await _store.QueryAsync("select n from iiot_data.rollup_day"));
    }

    [Fact]
    public async Task Hours_whose_day_is_marked_while_their_partition_is_about_to_go_stay()
    {
        await WriteDaysAsync(Plant, "n", 40);
        await _store.SetPolicyAsync(Plant, new RetentionPolicy("*", RetentionTier.Hour, TimeSpan.FromDays(30)));
        await SettleAsync();
        await using var admin = await OpenAsync();
        await using var block = await admin.BeginTransactionAsync();
        await ExecuteAsync(admin, "select from iiot_data.rollup_hour");
        var run = Retention.RunAsync();
        await Blocked.WaitAsync(_store, 1);
        await _store.QueryAsync(
            "insert into iiot_data.rollup_pending_day select tenant_no, device_no, bucket from iiot_data.rollup_day; delete from iiot_data.rollup_day"
        );
        await block.RollbackAsync();
        Assert.Equal(RetentionActionKind.Keep, Assert.Single((await run).Actions).Kind);
        await SettleAsync();
        Assert.Equal(1L, await _store.QueryAsync("select n from iiot_data.rollup_day"));
        await Retention.RunAsync();
        Assert.Equal(0L, await _store.QueryAsync("select count(*) from iiot_data.rollup_hour"));
    }

    [Fact]
    public async Task What_all_keep_equally_long_goes_by_partition_and_never_row_by_row()
    {
        await UseAsync(options =>
        {
            options.RawRetention = TimeSpan.FromDays(30);
            options.MinuteRetention = TimeSpan.FromDays(31);
        });
        foreach (var tenant in (TenantId[])[Plant, Other])
            await WriteDaysAsync(tenant, "n", 33, 32, 31, 30, 29);
        await SettleAsync();
        var actions = (await Retention.RunAsync()).Actions;
        Assert.All(actions, one => Assert.Equal(RetentionActionKind.DropPartition, one.Kind));
        Assert.Equal(
            [RetentionTier.Raw, RetentionTier.Raw, RetentionTier.Raw, RetentionTier.Minute, RetentionTier.Minute],
            actions.Select(one => one.Tier)
        );
        Assert.Equal(2, await CountAsync(Plant, "n"));
    }

    [Fact]
    public async Task Rows_whose_partition_goes_before_long_wait_for_it_and_those_of_a_shorter_policy_do_not()
    {
        await UseAsync(options => options.DayRetention = TimeSpan.FromDays(35));
        await WriteDaysAsync(Plant, "n", 40);
        await SettleAsync();

        // As of a host of before, whose partitions are of a year and months: this one is due as a whole in two days.
        await _store.QueryAsync(
            $"""
            set role iiot_owner;
            create table iiot_data.kept as select * from iiot_data.rollup_day;
            select iiot_data.drop_partition('iiot_data.rollup_day', starts, false) from iiot_data.partitions('iiot_data.rollup_day');
            create table iiot_data.wide partition of iiot_data.rollup_day for values from ('{Today.AddDays(-60):O}') to ('{Today.AddDays(
                -33
            ):O}');
            insert into iiot_data.rollup_day select * from iiot_data.kept;
            """
        );
        Assert.Empty((await Retention.RunAsync()).Actions);

        // It waits a day at most, and there are more until then whatever the time of day is.
        await _store.SetPolicyAsync(Plant, new RetentionPolicy("n", RetentionTier.Day, TimeSpan.FromDays(5)));
        await WriteDaysAsync(Other, "n", 1);
        Assert.Equal(RetentionActionKind.DeleteRows, Assert.Single((await Retention.RunAsync()).Actions).Kind);
    }

    [Fact]
    public async Task A_late_point_does_not_replace_the_rollup_of_a_partition_that_was_dropped()
    {
        await WriteDaysAsync(Plant, "n", 100);
        await _store.SetPolicyAsync(Plant, new RetentionPolicy("*", RetentionTier.Raw, TimeSpan.FromDays(30)));
        await SettleAsync();
        Assert.Contains((await Retention.RunAsync()).Actions, one => one.Kind == RetentionActionKind.DropPartition);
        await WriteAsync(Plant, "n", Today.AddDays(-100).AddHours(3).AddMinutes(1), 1000);
        await SettleAsync();
        Assert.Equal("1:100", await HoursAsync("n || ':' || max"));
    }

    [Fact]
    public async Task Where_the_tenant_no_longer_keeps_hours_there_is_nothing_to_prove()
    {
        await WriteDaysAsync(Plant, "n", 20);
        await WriteDaysAsync(Other, "n", 1);
        foreach (var tier in (RetentionTier[])[RetentionTier.Minute, RetentionTier.Hour])
            await _store.SetPolicyAsync(Plant, new RetentionPolicy("*", tier, TimeSpan.FromDays(10)));
        await SettleAsync();
        await Retention.RunAsync();
        Assert.Equal(0L, await _store.QueryAsync("select count(*) from iiot_data.rollup_hour where tenant_no = 1"));
        await _store.SetPolicyAsync(Plant, new RetentionPolicy("*", RetentionTier.Raw, TimeSpan.FromDays(15)));
        await Retention.RunAsync();
        Assert.Equal(0, await CountAsync(Plant, "n"));
    }

    [Fact]
    public async Task Where_the_tenant_keeps_hours_longer_than_the_host_points_are_proven()
    {
        await UseAsync(options => options.HourRetention = TimeSpan.FromDays(10));
        await WriteDaysAsync(Plant, "n", 40);
        await _store.SetPolicyAsync(Plant, new RetentionPolicy("*", RetentionTier.Hour, TimeSpan.FromDays(1000)));
        await _store.SetPolicyAsync(Plant, new RetentionPolicy("*", RetentionTier.Raw, TimeSpan.FromDays(30)));
        await SettleAsync();
        await _store.QueryAsync("update iiot_data.rollup_hour set max = max + 1");
        Assert.Equal(RetentionActionKind.Keep, Assert.Single((await Retention.RunAsync()).Actions).Kind);
        Assert.Equal(1, await CountAsync(Plant, "n"));
    }

    [Theory]
    [InlineData("n = n + 1")]
    [InlineData("min = min - 1")]
    [InlineData("sum = sum + 1")]
    [InlineData("sum_squares = sum_squares + 1")]
    [InlineData("first = first + 1")]
    [InlineData("last = last + 1")]
    [InlineData("quality = 0 where quality = 2")]
    public async Task Whatever_the_rollup_says_otherwise_the_points_stay(string change)
    {
        foreach (var compacted in (bool[])[true, false])
        {
            await UseAsync();
            await WriteDaysAsync(Plant, "n", 40);
            await WriteAsync(Plant, "n", Today.AddDays(-40).AddHours(7), 3, quality: TelemetryQuality.Bad);
            await _store.SetPolicyAsync(Plant, new RetentionPolicy("*", RetentionTier.Raw, TimeSpan.FromDays(30)));
            await SettleAsync(compacted);
            await _store.QueryAsync($"update iiot_data.rollup_hour set {change}");
            Assert.All((await Retention.RunAsync()).Actions, one => Assert.Equal(RetentionActionKind.Keep, one.Kind));
            Assert.Equal(2, await CountAsync(Plant, "n"));
        }
    }

    [Theory]
    [InlineData(
        "update iiot_data.rollup_minute set minutes = set_byte(minutes, length(minutes) - 1, get_byte(minutes, length(minutes) - 1) # 1)"
    )]
    [InlineData("update iiot_data.rollup_minute set minutes = ''")]
    [InlineData("delete from iiot_data.rollup_minute where hour = (select min(hour) from iiot_data.rollup_minute)")]
    public async Task Whatever_the_minutes_say_otherwise_the_points_stay(string change)
    {
        foreach (var compacted in (bool[])[true, false])
        {
            await UseAsync();
            await WriteDaysAsync(Plant, "n", 40);
            await WriteAsync(Plant, "n", Today.AddDays(-40).AddHours(3.2), 3);
            await _store.SetPolicyAsync(Plant, new RetentionPolicy("*", RetentionTier.Raw, TimeSpan.FromDays(30)));
            await SettleAsync(compacted);
            await _store.QueryAsync(change);
            Assert.All((await Retention.RunAsync()).Actions, one => Assert.Equal(RetentionActionKind.Keep, one.Kind));
            Assert.Equal(2, await CountAsync(Plant, "n"));

            // Where the tenant no longer keeps them there is nothing to compare with.
            await _store.SetPolicyAsync(Plant, new RetentionPolicy("*", RetentionTier.Minute, TimeSpan.FromDays(35)));
            await Retention.RunAsync();
            Assert.Equal(0, await CountAsync(Plant, "n"));
        }
    }

    [Fact]
    public async Task Numbers_that_overflow_stop_nobody()
    {
        await WriteDaysAsync(Other, "n", 40);
        foreach (var compacted in (bool[])[true, false])
        {
            var (at, hours) = (Today.AddDays(-40), 0.0);
            foreach (
                var (metric, values) in ((string, double[])[])
                    [("squares", [9e153, 9e153, 9e153]), ("sums", [1.5e308, 1.5e308, 1.5e308]), ("tiny", [1e-320, 1e-200])]
            )
            {
                foreach (var value in values)
                    await WriteAsync(Plant, metric, at.AddHours(hours += 0.6), value);
            }

            await _store.SetPolicyAsync(Plant, new RetentionPolicy("*", RetentionTier.Raw, TimeSpan.FromDays(30)));
            await _store.SetPolicyAsync(Other, new RetentionPolicy("*", RetentionTier.Raw, TimeSpan.FromDays(30)));
            await SettleAsync(compacted);
            Assert.DoesNotContain((await Retention.RunAsync()).Actions, one => one.Kind == RetentionActionKind.Keep);
            Assert.Equal(
                0L,
                await _store.QueryAsync(
                    "select (select count(*) from iiot_data.telemetry_frame) + (select count(*) from iiot_data.telemetry_chunk)"
                )
            );
            await UseAsync();
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_hold_that_is_put_up_while_points_are_being_deleted_counts(bool compacted)
    {
        await WriteDaysAsync(Plant, "n", 40);
        await _store.SetPolicyAsync(Plant, new RetentionPolicy("*", RetentionTier.Raw, TimeSpan.FromDays(30)));
        await SettleAsync(compacted);
        await using var admin = await OpenAsync();
        await using var block = await admin.BeginTransactionAsync();

        // Where the proof has to wait; and the delete, which has seen that there is no hold.
        await ExecuteAsync(
            admin,
            compacted ? "select from iiot_data.telemetry_chunk for update" : "lock table iiot_data.rollup_hour in access exclusive mode"
        );
        var run = Retention.RunAsync();
        await Blocked.WaitAsync(_store, 1);
        await Retention.HoldAsync(Plant, new LegalHold("case", "*", "*", DateTime.MinValue, DateTime.MaxValue, "a case"));
        await block.RollbackAsync();
        Assert.Equal(RetentionActionKind.Keep, Assert.Single((await run).Actions).Kind);
        Assert.Equal(1, await CountAsync(Plant, "n"));
    }

    [Fact]
    public async Task An_empty_partition_that_is_written_to_is_not_dropped()
    {
        await WriteDaysAsync(Plant, "n", 40);
        await _store.QueryAsync($"select iiot_data.empty_frames('{Today.AddDays(-40):O}')");
        await using var admin = await OpenAsync();
        await using var block = await admin.BeginTransactionAsync();
        await ExecuteAsync(admin, "select from iiot_data.telemetry_frame");
        var run = Retention.RunAsync();
        await Blocked.WaitAsync(_store, 1);
        await WriteDaysAsync(Plant, "n", 40);
        await block.RollbackAsync();
        await run;
        Assert.Equal(1, await CountAsync(Plant, "n"));

        await _store.QueryAsync($"select iiot_data.empty_frames('{Today.AddDays(-40):O}')");
        await Retention.RunAsync();
        Assert.Equal(0L, await _store.QueryAsync("select count(*) from iiot_data.partitions('iiot_data.telemetry_frame')"));
    }

    [Theory]
    [InlineData(RetentionTier.Minute)]
    [InlineData(RetentionTier.Hour)]
    [InlineData(RetentionTier.Day)]
    public async Task Rows_of_one_tenant_go_from_a_rollup(RetentionTier tier)
    {
        foreach (var tenant in (TenantId[])[Plant, Other])
            await WriteDaysAsync(tenant, "n", 40, 10);
        await _store.SetPolicyAsync(Plant, new RetentionPolicy("*", tier, TimeSpan.FromDays(30)));
        await SettleAsync();
        var reported = new List<RetentionAction>();
        var report = await Retention.RunAsync(progress: new Progress(reported.Add));
        Assert.Equal(
            (tier, RetentionActionKind.DeleteRows, Plant, 1L),
            Assert.Single(report.Actions.Select(one => (one.Tier, one.Kind, one.Tenant!.Value, one.Rows)))
        );
        Assert.Equal(report.Actions, reported);
        foreach (var other in (RetentionTier[])[RetentionTier.Minute, RetentionTier.Hour, RetentionTier.Day])
            Assert.Equal(other == tier ? 3L : 4L, await _store.QueryAsync($"select count(*) from iiot_data.rollup_{other}"));

        Assert.Equal(2, await CountAsync(Plant, "n"));
    }

    // Some for all of the time, some from the middle of it.
    [Theory]
    [InlineData(RetentionTier.Minute)]
    [InlineData(RetentionTier.Hour)]
    [InlineData(RetentionTier.Day)]
    [InlineData(RetentionTier.Minute, RetentionTier.Hour)]
    [InlineData(RetentionTier.Hour, RetentionTier.Day)]
    [InlineData(RetentionTier.Minute, RetentionTier.Hour, RetentionTier.Day)]
    [InlineData(RetentionTier.Raw, RetentionTier.Hour)]
    [InlineData(RetentionTier.Raw, RetentionTier.Hour, RetentionTier.Day)]
    public async Task Buckets_are_made_of_what_is_left(params RetentionTier[] tiers)
    {
        var random = new Random(tiers.Length);
        var start = Today.AddDays(-33);
        using (var writer = new BatchWriter(3000))
        {
            for (var i = 0; i < 3000; i++)
                writer.Add(Plant, Press, start.AddSeconds(random.Next(5 * 24 * 3600)), frame => frame.AddLong("n"u8, random.Next(100)));
            await _store.Sink.WriteAsync(writer.Batch, CancellationToken.None);
        }

        await SettleAsync();
        var before = await AggregateAsync(start);
        foreach (var tier in tiers)
            await _store.SetPolicyAsync(Plant, new RetentionPolicy("*", tier, TimeSpan.FromDays(tier == tiers[^1] ? 30 : 20)));
        await Retention.RunAsync();
        Assert.Equal(before, await AggregateAsync(start));
    }

    [Fact]
    public async Task What_comes_late_for_points_that_have_gone_does_not_hide_their_rollup()
    {
        await WriteDaysAsync(Plant, "n", 40);
        await _store.SetPolicyAsync(Plant, new RetentionPolicy("*", RetentionTier.Raw, TimeSpan.FromDays(30)));
        await SettleAsync();
        await Retention.RunAsync();
        await WriteAsync(Plant, "n", Today.AddDays(-40).AddHours(3).AddMinutes(1), 1000);
        var query = new TelemetryAggregateQuery
        {
            Device = Press,
            Metric = "n",
            From = Today.AddDays(-41),
            To = Today.AddDays(-30),
            Bucket = TimeSpan.FromHours(1),
        };
        Assert.Equal(40, Assert.Single(await _store.Reader.AggregateAsync(Plant, query)).Max);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_dry_run_changes_nothing_at_all(bool compacted)
    {
        await WriteDaysAsync(Plant, "n", 100, 40, 10);
        foreach (var tier in Enum.GetValues<RetentionTier>())
            await _store.SetPolicyAsync(Plant, new RetentionPolicy("*", tier, TimeSpan.FromDays(30)));
        await SettleAsync(compacted);
        await WriteDaysAsync(Plant, "n", 41);
        var before = await DumpAsync();
        Assert.NotEmpty((await Retention.RunAsync(dryRun: true)).Actions);
        Assert.Equal(before, await DumpAsync());
    }

    [Fact]
    public async Task What_is_decided_and_deleted_is_written_down()
    {
        await WriteDaysAsync(Plant, "n", 100, 40);
        await WriteDaysAsync(Other, "n", 40);
        await _store.SetPolicyAsync(Plant, new RetentionPolicy("n", RetentionTier.Raw, TimeSpan.FromDays(30)));
        await _store.SetPolicyAsync(Plant, new RetentionPolicy("m", RetentionTier.Day, TimeSpan.FromDays(30)));
        await _store.Retention.RemoveAsync(Plant, new RetentionPolicy("m", RetentionTier.Day, TimeSpan.FromDays(30)));
        await _store.Retention.RemoveAsync(Plant, new RetentionPolicy("none", RetentionTier.Day, TimeSpan.FromDays(30)));
        await Retention.HoldAsync(Plant, new LegalHold("case", "x", "y", DateTime.MinValue, DateTime.MaxValue, "a case"));
        await Retention.ReleaseAsync(Plant, "case");
        await SettleAsync();
        await Retention.RunAsync();
        Assert.Equal(
            "host set_policy n,host set_policy m,host remove_policy m,host hold case,host release case,retention delete raw",
            await AuditAsync(Plant)
        );
        Assert.IsType<DBNull>(await AuditAsync(Other));

        await _store.SetPolicyAsync(Other, new RetentionPolicy("n", RetentionTier.Hour, TimeSpan.FromDays(35)));
        await _store.SetPolicyAsync(Plant, new RetentionPolicy("n", RetentionTier.Hour, TimeSpan.FromDays(35)));
        await Retention.RunAsync();
        Assert.Contains("retention drop hour", (string?)await AuditAsync(Other), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_compaction_what_a_tenant_no_longer_keeps_is_reported()
    {
        await UseAsync(options => options.CompactAfter = null);
        await WriteDaysAsync(Plant, "n", 40, 10);
        await WriteDaysAsync(Other, "n", 40);
        await _store.SetPolicyAsync(Plant, new RetentionPolicy("*", RetentionTier.Raw, TimeSpan.FromDays(30)));
        await SettleAsync();
        var kept = Assert.Single((await Retention.RunAsync()).Actions);
        Assert.Equal((RetentionTier.Raw, RetentionActionKind.Keep, Plant, 1L), (kept.Tier, kept.Kind, kept.Tenant!.Value, kept.Rows));
        Assert.Contains("CompactAfter", kept.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_run_beside_another_one_says_that_it_may_be_tried_again()
    {
        await WriteDaysAsync(Plant, "n", 40);
        await using var other = await _store.Database.Jobs.OpenConnectionAsync();
        await ExecuteAsync(other, "select pg_advisory_lock(7461205)");
        Assert.True((await Assert.ThrowsAsync<TelemetryStoreException>(() => Retention.RunAsync())).IsTransient);
        await Retention.RunAsync(dryRun: true);
        await ExecuteAsync(other, "select pg_advisory_unlock(7461205)");
        await Retention.RunAsync();
    }

    [Fact]
    public async Task A_chunk_that_cannot_be_read_leaves_its_rollup_and_stops_nobody()
    {
        await WriteDaysAsync(Plant, "n", 40);
        await WriteDaysAsync(Other, "n", 40);
        await SettleAsync();
        await _store.QueryAsync("update iiot_data.telemetry_chunk set d = '\\x00', n = n + 1 where tenant_no = 1");
        foreach (var tenant in (TenantId[])[Plant, Other])
            await WriteAsync(tenant, "n", Today.AddDays(-40).AddHours(3.5), 50);
        await _store.SetPolicyAsync(Plant, new RetentionPolicy("*", RetentionTier.Raw, TimeSpan.FromDays(30)));
        await SettleAsync();
        Assert.Equal("1:40,2:50", await HoursAsync("n || ':' || max"));

        // It was set aside when the late point came, and is due, as that point is once it was rolled up, or found to be no more than the rollup knows.
        Assert.Equal(
            [RetentionActionKind.Keep, RetentionActionKind.DeleteRows],
            (await Retention.RunAsync()).Actions.Select(one => one.Kind)
        );
        Assert.Equal(0L, await _store.QueryAsync("select count(*) from iiot_data.quarantine"));
        await SettleAsync();
        await Retention.RunAsync();
        Assert.Equal((0, 2), (await CountAsync(Plant, "n"), await CountAsync(Other, "n")));
        Assert.Equal("1:40,2:50", await HoursAsync("n || ':' || max"));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_frame_that_cannot_be_read_keeps_no_partition(bool beforeItIsRolledUp)
    {
        await WriteDaysAsync(Plant, "n", 40);
        await WriteAsync(Plant, "n", Today.AddDays(-40).AddHours(3.5), 50);
        await _store.SetPolicyAsync(Plant, new RetentionPolicy("*", RetentionTier.Raw, TimeSpan.FromDays(30)));
        const string Damage = "update iiot_data.telemetry_frame set vals = '\\x00' where extract(minute from ts) = 30";
        if (beforeItIsRolledUp)
            await _store.QueryAsync(Damage);
        await SettleAsync(compacted: false);
        if (!beforeItIsRolledUp)
            await _store.QueryAsync(Damage);
        Assert.Contains((await Retention.RunAsync()).Actions, one => one.Kind == RetentionActionKind.DropPartition);
        Assert.Equal(
            0L,
            await _store.QueryAsync("select (select count(*) from iiot_data.telemetry_frame) + (select count(*) from iiot_data.quarantine)")
        );
        Assert.Equal(beforeItIsRolledUp ? "1:40" : "2:50", await HoursAsync("n || ':' || max"));
    }

    [Fact]
    public async Task What_was_set_aside_goes_with_the_last_of_its_metrics_and_stays_while_it_is_held()
    {
        using (var writer = new BatchWriter())
        {
            foreach (var days in (int[])[40, 10])
            {
                writer.Add(
                    Plant,
                    Press,
                    Today.AddDays(-days),
                    frame =>
                    {
                        frame.AddDouble("a"u8, 1);
                        frame.AddDouble("b"u8, 2);
                    }
                );
            }

            await _store.Sink.WriteAsync(writer.Batch, CancellationToken.None);
        }

        await _store.QueryAsync("update iiot_data.telemetry_frame set vals = '\\x00'");
        await SettleAsync();
        await _store.SetPolicyAsync(Plant, new RetentionPolicy("a", RetentionTier.Raw, TimeSpan.FromDays(30)));
        Assert.Equal(2L, await LeftAsync());
        await _store.SetPolicyAsync(Plant, new RetentionPolicy("b", RetentionTier.Raw, TimeSpan.FromDays(35)));
        await Retention.HoldAsync(Plant, new LegalHold("case", "press", "b", DateTime.MinValue, DateTime.MaxValue, "a case"));
        Assert.Equal(2L, await LeftAsync());
        await Retention.ReleaseAsync(Plant, "case");
        Assert.Equal(1L, Assert.Single((await Retention.RunAsync(dryRun: true)).Actions).Rows);
        Assert.Equal(1L, await LeftAsync());
        Assert.EndsWith("retention delete quarantine", (string?)await AuditAsync(Plant), StringComparison.Ordinal);

        async Task<object?> LeftAsync()
        {
            await Retention.RunAsync();
            return await _store.QueryAsync("select count(*) from iiot_data.quarantine");
        }
    }

    private PostgresRetention Retention => _store.Services.GetRequiredService<PostgresRetention>();

    private RollupJob Rollups => _store.Services.GetRequiredService<RollupJob>();

    // In place of the store there was.
    private async Task UseAsync(Action<PostgresStorageOptions>? configure = null)
    {
        await _store.DisposeAsync();
        _store = await PostgresStore.MakeAsync(cluster, configure: configure);
    }

    // Rolled up and compacted, as the background jobs do it.
    private async Task SettleAsync(bool compacted = true)
    {
        await Rollups.RunAsync(int.MaxValue, CancellationToken.None);
        if (compacted)
            await _store.Services.GetRequiredService<Compactor>().CompactAsync(int.MaxValue, CancellationToken.None);
    }

    private async Task<List<TelemetryBucket>> AggregateAsync(DateTime start)
    {
        var buckets = new List<TelemetryBucket>();
        foreach (var width in (int[])[15, 60, 180, 24 * 60])
        {
            foreach (var (from, to) in ((double, double)[])[(0, 120), (10.5, 70.75), (47.25, 47.75), (0.25, 120)])
                buckets.AddRange(
                    await _store.Reader.AggregateAsync(
                        Plant,
                        new TelemetryAggregateQuery
                        {
                            Device = Press,
                            Metric = "n",
                            From = start.AddHours(from),
                            To = start.AddHours(to),
                            Bucket = TimeSpan.FromMinutes(width),
                        }
                    )
                );
        }

        return buckets;
    }

    private async Task<object?> HoursAsync(string what) =>
        await _store.QueryAsync($"select string_agg({what}, ',' order by device_no, bucket) from iiot_data.rollup_hour");

    private Task<object?> AuditAsync(TenantId tenant) =>
        _store.QueryAsync(
            $"select string_agg(concat_ws(' ', actor, action, subject), ',' order by id) from iiot.audit join iiot.tenant using (tenant_no) where name = '{tenant.Value}'"
        );

    // Every row of every table of ours.
    private async Task<object?> DumpAsync() =>
        await _store.QueryAsync(
            "select string_agg(table_schema || table_name || query_to_xml(format('select * from %I.%I t order by t', table_schema, table_name), true, false, '')::text, '' order by table_schema, table_name) from information_schema.tables where table_schema in ('iiot', 'iiot_data') and table_type = 'BASE TABLE'"
        );

    private async Task<NpgsqlConnection> OpenAsync()
    {
        var connection = new NpgsqlConnection(cluster.Server.AdminConnectionString(_store.DatabaseName));
        await connection.OpenAsync();
        return connection;
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }

    private async Task WriteDaysAsync(TenantId tenant, string metric, params int[] daysAgo)
    {
        foreach (var days in daysAgo)
            await WriteAsync(tenant, metric, Today.AddDays(-days).AddHours(3), days);
    }

    private async Task WriteAsync(
        TenantId tenant,
        string metric,
        DateTime timestamp,
        double value,
        DeviceId device = default,
        TelemetryQuality quality = TelemetryQuality.Good
    )
    {
        using var writer = new BatchWriter();
        writer.Add(
            tenant,
            device == default ? Press : device,
            timestamp,
            frame => frame.AddDouble(System.Text.Encoding.UTF8.GetBytes(metric), value, quality)
        );
        await _store.Sink.WriteAsync(writer.Batch, CancellationToken.None);
    }

    private async Task<int> CountAsync(TenantId tenant, string metric)
    {
        var count = 0;
        await foreach (var _ in _store.Reader.ReadAsync(tenant, new TelemetryQuery { Device = Press, Metrics = [metric] }))
            count++;
        return count;
    }

    // Progress<T> reports on another thread.
    private sealed class Progress(Action<RetentionAction> report) : IProgress<RetentionAction>
    {
        public void Report(RetentionAction value) => report(value);
    }
}
