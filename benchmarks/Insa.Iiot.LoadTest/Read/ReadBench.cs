using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Insa.Iiot.LoadTest.Measuring;
using Insa.Iiot.LoadTest.Mqtt;
using Insa.Iiot.LoadTest.Serving;
using Insa.Iiot.Storage.Postgres;
using Insa.Iiot.Storage.Postgres.Jobs;
using Insa.Iiot.Storage.Postgres.Rollups;
using Npgsql;

namespace Insa.Iiot.LoadTest.Read;

/// <summary>Fills a private PostgreSQL server with history, rolls it up and compacts it, and asks it questions while more is written.</summary>
internal sealed class ReadBench : IAsyncDisposable
{
    private const int FastDevices = 20;
    private const int SlowDevices = 10;
    private const int ManyDevices = 1000;
    private const int HistoryDays = 30;
    private const int WindowsWithoutDrop = 8;
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan ExpiredAge = TimeSpan.FromDays(40);

    private readonly ReadOptions _options;
    private readonly PrivatePostgres _postgres;
    private readonly ServiceProvider _services;
    private readonly TenantId _tenant = TenantId.Parse("plant");
    private readonly HistorySource _fast;
    private readonly HistorySource _slow;
    private readonly HistorySource _many;
    private readonly DateTime _today = TimeProvider.System.GetUtcNow().UtcDateTime.Date;
    private readonly List<ReadResult> _results = [];
    private readonly List<string> _notes = [];

    private ReadBench(ReadOptions options, PrivatePostgres postgres)
    {
        (_options, _postgres) = (options, postgres);
        _fast = new HistorySource(_tenant, "fast", Math.Max(1, FastDevices * options.Percent / 100));
        _slow = new HistorySource(_tenant, "slow", SlowDevices);
        _many = new HistorySource(_tenant, "device", Math.Max(10, ManyDevices * options.Percent / 100));
        var services = new ServiceCollection();
        services
            .AddLogging()
            .AddIiot()
            .AddPostgresStorage(postgres =>
            {
                postgres.ConnectionString = _postgres.HostConnectionString;
                postgres.MigrateOnStart = false;
                postgres.RawRetention = ExpiredAge - TimeSpan.FromDays(2);
            });
        _services = services.BuildServiceProvider();
    }

    private ITelemetrySink Sink => _services.GetRequiredService<ITelemetrySink>();

    private ITelemetryReader Reader => _services.GetRequiredService<ITelemetryReader>();

    private ITelemetrySeriesReader SeriesReader => _services.GetRequiredService<ITelemetrySeriesReader>();

    private DateTime Day => _today.AddDays(-2);

    // Dropped while it is in frames, and while it is in chunks.
    private DateTime DueInFrames => _today - ExpiredAge;

    private DateTime DueInChunks => DueInFrames.AddDays(-1);

    // Of before the slow devices' history and not yet due, so that retention leaves them to be dropped by themselves.
    private DateTime[] FramesToDrop => [_today.AddDays(-32), _today.AddDays(-33)];

    private DateTime[] ChunksToDrop => [_today.AddDays(-34), _today.AddDays(-35)];

    public static async Task<int> RunAsync(ReadOptions options)
    {
        await using var bench = new ReadBench(
            options,
            await PrivatePostgres.StartAsync("shared_buffers = '1GB'", "max_wal_size = '4GB'", "random_page_cost = '1.1'")
        );
        await bench.RunAsync();
        bench.Report();
        return 0;
    }

    public async ValueTask DisposeAsync()
    {
        _fast.Dispose();
        _slow.Dispose();
        _many.Dispose();
        await _services.DisposeAsync();
        await _postgres.DisposeAsync();
    }

    private async Task RunAsync()
    {
        var fast = await _fast.WriteAsync(Sink, Day, Day.AddDays(1), TimeSpan.FromSeconds(1));
        var slow = await _slow.WriteAsync(Sink, _today.AddDays(-HistoryDays - 1), _today.AddDays(-1), TimeSpan.FromMinutes(1));
        var expired = 0L;
        foreach (var day in (DateTime[])[DueInFrames, .. FramesToDrop, .. ChunksToDrop])
            expired = await WriteExpiredAsync(day);
        var all = fast + slow + (expired * (1 + FramesToDrop.Length + ChunksToDrop.Length));
        await _postgres.Server.QueryAsync("vacuum analyze", "iiot");
        await Console.Error.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"{all:N0} points written"));

        await CompareWallsAsync();
        await TimeAsync("one series over a day, still in frames", 3, ReadSeriesDayAsync);
        await DoAsync("rolled up", all, RollUpAsync);
        await RetireAsync("in frames", "telemetry_frame", DueInFrames, FramesToDrop, expired);
        await WriteExpiredAsync(DueInChunks);
        await RollUpAsync();
        await DoAsync(
            "of days of 200 frames a device compacted",
            expired * (1 + ChunksToDrop.Length),
            () => CompactAsync(1 + ChunksToDrop.Length)
        );
        await RetireAsync("in chunks", "telemetry_chunk", DueInChunks, ChunksToDrop, expired);
        await DoAsync("compacted", fast + slow, () => CompactAsync(int.MaxValue));
        var cold = await NumberAsync(
            "select sum(pg_total_relation_size(relid))::int from pg_partition_tree('iiot_data.telemetry_chunk') where isleaf"
        );
        Note(
            $"compacted history takes {(double)cold / (fast + slow):F2} bytes a point, index and row included; 3 of 10 metrics are random in all digits"
        );
        await _postgres.Server.QueryAsync("vacuum analyze", "iiot");
        await _postgres.Server.QueryAsync("checkpoint", "iiot");

        await using var writer = new SteadyWriter(Sink, _many, _options.Rate);
        await TimeAsync("latest values of all live devices", _options.Rounds, ReadLatestAsync);
        await TimeAsync("one series over a day, in chunks", _options.Rounds, ReadSeriesDayAsync);
        await TimeAsync("1,000 points of it", _options.Rounds, ReadPageAsync);
        await TimeAsync("15-minute buckets of it", _options.Rounds, () => ReadBucketsAsync(_fast, 1, Day, 1, TimeSpan.FromMinutes(15)));
        await TimeAsync(
            "hourly buckets of 100 series over 30 days",
            _options.Rounds,
            () => ReadBucketsAsync(_slow, 100, _today.AddDays(-HistoryDays - 1), HistoryDays, TimeSpan.FromHours(1))
        );
        await TimeAsync("latest values of all live devices, again", _options.Rounds, ReadLatestAsync);
    }

    private async Task TimeAsync(string query, int rounds, Func<Task<long>> ask)
    {
        // The first rounds compile code and fill caches.
        var rows = 0L;
        for (var i = 0; i < Math.Min(3, rounds); i++)
            rows = await ask();
        var times = new List<TimeSpan>();
        for (var i = 0; i < rounds; i++)
        {
            var began = Stopwatch.GetTimestamp();
            rows = await ask();
            times.Add(Stopwatch.GetElapsedTime(began));
        }

        Add(ReadResult.Of(query, rows, times));
    }

    private async Task DoAsync(string what, long points, Func<Task> job)
    {
        var (host, server) = (
            ProcessUsage.Of(Environment.ProcessId).CpuSeconds,
            ProcessUsage.CpuSecondsOfFamily(_postgres.Server.ProcessId)
        );
        var began = Stopwatch.GetTimestamp();
        await job();
        var seconds = Stopwatch.GetElapsedTime(began).TotalSeconds;
        host = ProcessUsage.Of(Environment.ProcessId).CpuSeconds - host;
        server = ProcessUsage.CpuSecondsOfFamily(_postgres.Server.ProcessId) - server;
        Note(
            $"{points:N0} points {what} in {seconds:F2} s: {points / seconds:N0} points/s; CPU per point: host {host / points * 1e6:F3} us, server {server / points * 1e6:F3} us"
        );
    }

    /// <summary>The same statements by the application's role through its walls, and past them, in turn.</summary>
    private async Task CompareWallsAsync()
    {
        var tenantNo = await NumberAsync($"select tenant_no from iiot.tenant where name = '{_tenant.Value}'");
        var streamNo = await NumberAsync(
            $"select stream_no from iiot.telemetry_stream s join iiot.telemetry_device d using (tenant_no, device_no) where d.name = '{_fast.Devices[0].Value}'"
        );
        await using var walled = NpgsqlDataSource.Create(_postgres.HostConnectionString + ";Options=-c role=iiot_app");
        await using var bare = NpgsqlDataSource.Create(
            _postgres.Server.AdminConnectionString("iiot").Replace("Pooling=false", "", StringComparison.Ordinal)
        );
        var hour = $"ts >= '{Day.AddHours(5):O}' and ts < '{Day.AddHours(6):O}'";
        var day = $"ts >= '{Day:O}' and ts < '{Day.AddDays(1):O}'";
        string Columns(string from) => $"select ts, vals from {from} where tenant_no = {tenantNo} and stream_no = {streamNo} and {hour}";
        string Scan(string from) => $"select count(*), sum(length(vals)) from {from} where tenant_no = {tenantNo} and {day}";
        string Devices(string where) =>
            $"select name, device_no from iiot.telemetry_device where {where} name = any (array['fast-0','fast-1','slow-0'])";
        foreach (
            var (what, inside, outside) in ((string, string, string)[])
                [
                    ("a stream's hour of frames, through the view", Columns("iiot.telemetry_frame"), Columns("iiot_data.telemetry_frame")),
                    (
                        "a stream's hour of frames, in order",
                        Columns("iiot.telemetry_frame_by_time") + " order by ts limit 10000",
                        Columns("iiot_data.telemetry_frame") + " order by ts limit 10000"
                    ),
                    ("a tenant's day of frames scanned, through the view", Scan("iiot.telemetry_frame"), Scan("iiot_data.telemetry_frame")),
                    ("three devices by name, under row-level security", Devices(""), Devices($"tenant_no = {tenantNo} and ")),
                ]
        )
        {
            var rounds = what.Contains("scanned", StringComparison.Ordinal) ? 15 : 200;
            var (with, without) = (new List<TimeSpan>(), new List<TimeSpan>());
            var rows = 0L;
            for (var i = -3; i < rounds; i++)
            {
                var (w, count) = await AskAsync(walled, tenantNo, inside);
                var (o, _) = await AskAsync(bare, tenantNo, outside);
                if (i < 0)
                    continue;
                with.Add(w);
                without.Add(o);
                rows = count;
            }

            var (a, b) = (
                ReadResult.Of(what, rows, with),
                ReadResult.Of("the same by the administrator, tenant as a constant", rows, without)
            );
            Add(a);
            Add(b);
            Note($"{what}: {a.MedianMs / b.MedianMs:F2} times what it takes without walls");
        }
    }

    // Both sides send the same two statements, so that only the walls differ.
    private static async Task<(TimeSpan Took, long Rows)> AskAsync(NpgsqlDataSource source, int tenantNo, string sql)
    {
        await using var connection = await source.OpenConnectionAsync();
        await using var batch = new NpgsqlBatch(connection)
        {
            BatchCommands =
            {
                new NpgsqlBatchCommand(
                    $"select set_config('iiot.tenant', '{tenantNo}', true), set_config('jit', 'off', true), set_config('max_parallel_workers_per_gather', '0', true)"
                ),
                new NpgsqlBatchCommand(sql),
            },
        };
        var began = Stopwatch.GetTimestamp();
        await using var rows = await batch.ExecuteReaderAsync();
        await rows.NextResultAsync();
        var count = 0L;
        while (await rows.ReadAsync())
            count++;
        return (Stopwatch.GetElapsedTime(began), count);
    }

    private Task<long> WriteExpiredAsync(DateTime day) => _many.WriteAsync(Sink, day, day.AddDays(1), TimeSpan.FromMinutes(7.2));

    private Task<int> RollUpAsync() => _services.GetRequiredService<RollupJob>().RunAsync(int.MaxValue, default);

    private Task<int> CompactAsync(int most) => _services.GetRequiredService<Compactor>().CompactAsync(most, default);

    /// <summary>Lets retention drop a day and then drops others without its proof, while a writer finds out whether it is held up.</summary>
    private async Task RetireAsync(string how, string table, DateTime due, DateTime[] days, long points)
    {
        await using var writer = new SteadyWriter(Sink, _many, Math.Max(_options.Rate, 10_000));
        var began = Stopwatch.GetTimestamp();
        var report = await _services.GetRequiredService<PostgresRetention>().RunAsync();
        var whole = Stopwatch.GetElapsedTime(began);
        var left = await NumberAsync(
            $"select (select count(*) from iiot_data.telemetry_frame where ts < '{due.AddDays(1):O}')::int + (select count(*) from iiot_data.telemetry_chunk where t0 < '{due.AddDays(1):O}')::int"
        );
        if (left != 0 || report.Actions.Any(action => action.Kind != RetentionActionKind.DropPartition))
            throw new InvalidOperationException($"Of the day that is due {left} rows are left.");
        Note($"retention of a day of {points:N0} points {how}, proof included: {whole.TotalMilliseconds:F0} ms");

        var (with, without, took) = (new List<double>(), new List<double>(), new List<double>());
        foreach (var day in days)
        {
            for (var i = 0; i < WindowsWithoutDrop; i++)
                without.Add(await LongestWriteAsync(writer, () => Task.CompletedTask));
            with.Add(await LongestWriteAsync(writer, async () => took.Add((await DropAsync(table, day)).TotalMilliseconds)));
        }

        without.Sort();
        Note(
            $"dropping such days alone: {string.Join(" and ", took.Select(ms => ms.ToString("F0", CultureInfo.InvariantCulture)))} ms; longest write in the second of the drop {string.Join(" and ", with.Select(ms => ms.ToString("F0", CultureInfo.InvariantCulture)))} ms, in {without.Count} seconds without one {without[0]:F0} to {without[^1]:F0}, median {without[without.Count / 2]:F0} ms"
        );
    }

    private static async Task<double> LongestWriteAsync(SteadyWriter writer, Func<Task> meanwhile)
    {
        writer.TakeLongest();
        await Task.Delay(Window / 4);
        await meanwhile();
        await Task.Delay(Window * 3 / 4);
        return writer.TakeLongest().TotalMilliseconds;
    }

    // As retention does it: of several attempts the one that had its lock counts.
    private async Task<TimeSpan> DropAsync(string table, DateTime day)
    {
        await using var jobs = NpgsqlDataSource.Create(_postgres.HostConnectionString + ";Options=-c role=iiot_jobs");
        await using var connection = await jobs.OpenConnectionAsync();
        var took = await PatientLock.TryAsync<TimeSpan?>(
            async wait =>
            {
                await using var command = new NpgsqlCommand(
                    $"select iiot_data.drop_partition('iiot_data.{table}', '{day:O}', false, '{wait.TotalMilliseconds} ms')",
                    connection
                );
                var began = Stopwatch.GetTimestamp();
                return await command.ExecuteScalarAsync() is true ? Stopwatch.GetElapsedTime(began) : null;
            },
            otherwise: null,
            TimeProvider.System,
            CancellationToken.None
        );
        return took ?? throw new InvalidOperationException("The partition was not dropped.");
    }

    private async Task<long> ReadSeriesDayAsync()
    {
        var query = new TelemetryQuery
        {
            Device = _fast.Devices[0],
            Metrics = [HistorySource.MetricName(0)],
            From = Day,
            To = Day.AddDays(1),
            Limit = int.MaxValue,
        };
        var count = 0L;
        await foreach (var _ in Reader.ReadAsync(_tenant, query))
            count++;
        return Check(count, 86_400);
    }

    private async Task<long> ReadPageAsync()
    {
        var query = new TelemetryQuery
        {
            Device = _fast.Devices[0],
            Metrics = [HistorySource.MetricName(0)],
            From = Day.AddHours(7),
            To = Day.AddDays(1),
            Limit = 1000,
        };
        var count = 0L;
        await foreach (var _ in Reader.ReadAsync(_tenant, query))
            count++;
        return Check(count, 1000);
    }

    private async Task<long> ReadLatestAsync()
    {
        var count = 0L;
        await foreach (var _ in SeriesReader.ReadLatestAsync(_tenant, _many.Devices))
            count++;
        return Check(count, _many.Devices.Length * 10);
    }

    private async Task<long> ReadBucketsAsync(HistorySource source, int series, DateTime from, int days, TimeSpan bucket)
    {
        var query = new TelemetrySeriesQuery
        {
            Series =
            [
                .. Enumerable.Range(0, series).Select(i => new TelemetrySeries(source.Devices[i / 10], HistorySource.MetricName(i % 10))),
            ],
            From = from,
            To = from.AddDays(days),
            Bucket = bucket,
        };
        var count = 0L;
        await foreach (var _ in SeriesReader.AggregateAsync(_tenant, query))
            count++;
        return Check(count, series * days * (TimeSpan.TicksPerDay / bucket.Ticks));
    }

    private static long Check(long found, long expected) =>
        found == expected ? found : throw new InvalidOperationException($"{found} rows were read, of {expected}.");

    private async Task<int> NumberAsync(string sql) => (int)(await _postgres.Server.QueryAsync(sql, "iiot"))!;

    private void Add(ReadResult result)
    {
        _results.Add(result);
        Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{result.Query}: {result.MedianMs:F2} ms"));
    }

    private void Note(FormattableString text)
    {
        _notes.Add(FormattableString.Invariant(text));
        Console.Error.WriteLine(_notes[^1]);
    }

    private void Report()
    {
        if (_options.Json)
        {
            var document = new
            {
                options = _options,
                cores = Environment.ProcessorCount,
                results = _results,
                notes = _notes,
            };
            Console.WriteLine(JsonSerializer.Serialize(document, MqttLoad.Json));
            return;
        }

        Console.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"{Environment.ProcessorCount} cores shared by server, reader and a writer of {_options.Rate:N0} points/s; milliseconds of {_options.Rounds} rounds, warm"
            )
        );
        Console.WriteLine("  query                                                      rows    median       p90      most");
        foreach (var result in _results)
            Console.WriteLine(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"  {result.Query, -53} {result.Rows, 9:N0} {result.MedianMs, 9:F2} {result.P90Ms, 9:F2} {result.MostMs, 9:F2}"
                )
            );
        foreach (var note in _notes)
            Console.WriteLine($"  {note}");
    }
}
