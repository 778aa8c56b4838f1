using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Insa.Iiot.LoadTest.Measuring;
using Insa.Iiot.LoadTest.Mqtt;
using Insa.Iiot.LoadTest.Serving;
using Insa.Iiot.Storage.Postgres.Telemetry;

namespace Insa.Iiot.LoadTest.Copy;

/// <summary>Writes the same telemetry in several ways to one server, in turn, and compares them with psql's own speed.</summary>
internal sealed partial class CopyBench : IAsyncDisposable
{
    private const string NarrowTable =
        "create table narrow (tenant int not null, device int not null, metric int not null, ts timestamptz not null, value float8 not null)";

    // The frames' own columns, and nothing else of theirs.
    private const string BareTable = "create table bare (like iiot_data.telemetry_frame including storage)";

    private readonly CopyOptions _options;
    private readonly PrivatePostgres _postgres;
    private readonly string _folder = Directory.CreateTempSubdirectory("iiot-copy-").FullName;
    private readonly List<CopyRun> _runs = [];

    private CopyBench(CopyOptions options, PrivatePostgres postgres) => (_options, _postgres) = (options, postgres);

    private string NarrowFile => Path.Combine(_folder, "narrow");

    private string FrameFile => Path.Combine(_folder, "frames");

    public static async Task<int> RunAsync(CopyOptions options)
    {
        await using var bench = new CopyBench(options, await PrivatePostgres.StartAsync(options.ToConfiguration()));
        var cases = CopyCase.All.Where(known => options.Cases.Contains(known.Name, StringComparer.Ordinal)).ToList();
        if (options.Sustained > 0)
            await bench.SustainAsync(cases);
        else
            await bench.AlternateAsync(cases);
        bench.Report(cases);
        return 0;
    }

    public async ValueTask DisposeAsync()
    {
        await _postgres.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    private async Task AlternateAsync(List<CopyCase> cases)
    {
        var messages = new PlantSource().Take(_options.Points / PlantSource.Metrics);
        CopyFile.WriteNarrow(NarrowFile, messages);
        CopyFile.WriteFrames(FrameFile, messages);
        for (var round = 0; round <= _options.Rounds; round++)
        {
            foreach (var known in cases)
            {
                if (known.IsSink)
                    await RunSinkAsync(known, slices: 1, _ => messages);
                else
                    await RunPsqlAsync(known, messages);
            }

            // The first to touch the server's memory pays for it.
            if (round == 0)
                _runs.Clear();
        }
    }

    // The limit is that of a fresh table, taken before, between and after: the machine is not always equally fast.
    private async Task SustainAsync(List<CopyCase> cases)
    {
        const int PerSlice = CopyOptions.SlicePoints / PlantSource.Metrics;
        var first = new PlantSource().Take(PerSlice);
        CopyFile.WriteNarrow(NarrowFile, first);
        CopyFile.WriteFrames(FrameFile, first);
        await RunPsqlAsync(CopyCase.Narrow, first);
        _runs.Clear();
        foreach (var known in cases.Where(known => known.IsSink))
        {
            foreach (var psql in cases.Where(other => !other.IsSink))
                await RunPsqlAsync(psql, first);
            var source = new PlantSource();
            await RunSinkAsync(known, _options.Sustained / CopyOptions.SlicePoints, _ => source.Take(PerSlice));
        }

        foreach (var psql in cases.Where(other => !other.IsSink))
            await RunPsqlAsync(psql, first);
    }

    private async Task RunPsqlAsync(CopyCase known, List<PlantMessage> messages)
    {
        var database = await _postgres.MakeDatabaseAsync();
        var isNarrow = known == CopyCase.Narrow;
        if (known == CopyCase.Frames)
            await MakePartitionsAsync(database, messages);
        else
            await _postgres.Server.QueryAsync(isNarrow ? NarrowTable : BareTable, database);
        var table = isNarrow ? known.Table : $"{known.Table} ({CopyBuffer.Columns})";
        await _postgres.Server.QueryAsync("checkpoint");
        var before = await ReadAsync();
        var text = await _postgres.Server.PsqlAsync(
            database,
            "-v",
            "ON_ERROR_STOP=1",
            "-c",
            "\\timing on",
            "-c",
            $"\\copy {table} from '{(isNarrow ? NarrowFile : FrameFile)}' (format binary)"
        );
        var after = await ReadAsync();
        var milliseconds = double.Parse(TimeOf().Match(text).Groups[1].ValueSpan, CultureInfo.InvariantCulture);
        var points = (long)messages.Count * PlantSource.Metrics;
        await CheckAsync(database, known.Table, isNarrow ? points : messages.Count);
        await AddAsync(known, 0, database, points, points, milliseconds / 1000, before, after);
        await DropAsync(database);
    }

    private async Task RunSinkAsync(CopyCase known, int slices, Func<int, List<PlantMessage>> next)
    {
        var database = await _postgres.MakeDatabaseAsync();
        var services = new ServiceCollection();
        services
            .AddLogging()
            .AddIiot()
            .AddPostgresStorage(postgres =>
            {
                postgres.ConnectionString = _postgres.HostConnectionStringOf(database);
                postgres.MigrateOnStart = false;
                postgres.WriterConnections = known.Connections;
                postgres.CompactAfter = null;
            });
        await using (var provider = services.BuildServiceProvider())
        {
            var sink = provider.GetRequiredService<ITelemetrySink>();
            var builder = new BatchBuilder();
            var isSplit = known.MetricsPerMessage == 1;
            var rows = await WarmUpAsync(sink, builder, known, isSplit);
            var total = 0L;
            for (var slice = 0; slice < slices; slice++)
            {
                var messages = next(slice);
                if (known.IsStored)
                {
                    var first = builder.Build(messages, known.MessagesPerBatch, isSplit);
                    await WriteAsync(sink, first, known.Connections);
                    first.ForEach(Free);
                }

                // Later in arrival than the first time, as what is delivered again is.
                var batches = builder.Build(messages, known.MessagesPerBatch, isSplit);
                if (known.IsReplay)
                    ((PostgresTelemetrySink)sink).ExpectReplays(int.MaxValue);
                if (slice == 0)
                    await _postgres.Server.QueryAsync("checkpoint");
                GC.Collect();
                var before = await ReadAsync();
                var began = Stopwatch.GetTimestamp();
                await WriteAsync(sink, batches, known.Connections);
                var seconds = Stopwatch.GetElapsedTime(began).TotalSeconds;
                var after = await ReadAsync();
                var points = (long)messages.Count * PlantSource.Metrics;
                total += points;
                rows += (long)messages.Count * (isSplit ? PlantSource.Metrics : 1);
                await CheckAsync(database, known.Table, rows);
                await AddAsync(known, slice, database, points, total, seconds, before, after);
                batches.ForEach(Free);
            }
        }

        await DropAsync(database);
    }

    /// <summary>Writes one message of each device an hour ahead of the run, so that numbers are known, connections open and code compiled.</summary>
    /// <returns>How many rows that made.</returns>
    private static async Task<long> WarmUpAsync(ITelemetrySink sink, BatchBuilder builder, CopyCase known, bool isSplit)
    {
        var earlier = Enumerable
            .Range(0, PlantSource.Devices)
            .Select(device => new PlantMessage(device, PlantSource.Start.AddHours(-1).Ticks, new double[PlantSource.Metrics]));
        var batches = builder.Build(earlier, PlantSource.Devices / 2 * (isSplit ? PlantSource.Metrics : 1), isSplit);
        await WriteAsync(sink, batches, known.Connections);
        batches.ForEach(Free);
        return (long)PlantSource.Devices * (isSplit ? PlantSource.Metrics : 1);
    }

    private static Task WriteAsync(ITelemetrySink sink, List<TelemetryBatch> batches, int connections)
    {
        var taken = 0;
        return Task.WhenAll(
            Enumerable
                .Range(0, connections)
                .Select(_ =>
                    Task.Run(async () =>
                    {
                        while (Interlocked.Increment(ref taken) - 1 is var i && i < batches.Count)
                            await sink.WriteAsync(batches[i], CancellationToken.None);
                    })
                )
        );
    }

    private static void Free(TelemetryBatch batch)
    {
        foreach (var chunk in batch.Chunks)
            chunk.Dispose();
    }

    private async Task MakePartitionsAsync(string database, List<PlantMessage> messages)
    {
        foreach (var day in messages.Select(message => new DateTime(message.TimestampTicks, DateTimeKind.Utc).Date).Distinct())
            await _postgres.Server.QueryAsync(
                string.Create(CultureInfo.InvariantCulture, $"select iiot_data.ensure_partition('{day:yyyy-MM-dd}Z'::timestamptz)"),
                database
            );
    }

    private async Task CheckAsync(string database, string table, long rows)
    {
        var stored = (long)(await _postgres.Server.QueryAsync($"select count(*) from {table}", database))!;
        if (stored != rows)
            throw new InvalidOperationException($"{rows} rows were written, and {stored} are stored.");
    }

    private async Task<(double Server, double Client, decimal Wal)> ReadAsync() =>
        (
            ProcessUsage.CpuSecondsOfFamily(_postgres.Server.ProcessId),
            ProcessUsage.CpuSecondsOfFamily(Environment.ProcessId),
            (decimal)(await _postgres.Server.QueryAsync("select pg_current_wal_insert_lsn() - '0/0'"))!
        );

    private async Task AddAsync(
        CopyCase known,
        int slice,
        string database,
        long points,
        long stored,
        double seconds,
        (double Server, double Client, decimal Wal) before,
        (double Server, double Client, decimal Wal) after
    )
    {
        var size = (decimal)
            (
                await _postgres.Server.QueryAsync(
                    $"select sum(pg_total_relation_size(relid))::numeric from (select relid from pg_partition_tree('{known.Table}') union select '{known.Table}'::regclass) t",
                    database
                )
            )!;
        var run = new CopyRun(
            known.Name,
            slice,
            points,
            seconds,
            after.Server - before.Server,
            after.Client - before.Client,
            (double)size / stored,
            (double)(after.Wal - before.Wal)
        );
        _runs.Add(run);
        await Console.Error.WriteLineAsync(
            string.Create(
                CultureInfo.InvariantCulture,
                $"{known.Description}{(slice > 0 ? $", slice {slice + 1}" : "")}: {run.PointsPerSecond:N0} points/s"
            )
        );
    }

    private Task<object?> DropAsync(string database) => _postgres.Server.QueryAsync($"drop database {database} with (force)");

    private void Report(List<CopyCase> cases)
    {
        var limits = _runs.Where(run => run.Case == CopyCase.Narrow.Name).ToList();
        double? limit = limits.Count > 0 ? CopySummary.Median(limits, run => run.PointsPerSecond) : null;
        var medians = cases
            .Select(known =>
                CopySummary.Of(
                    known,
                    [.. _runs.Where(run => run.Case == known.Name && (_options.Sustained == 0 || !known.IsSink || run.Slice > 0))],
                    limit
                )
            )
            .ToList();
        if (_options.Json)
        {
            Console.WriteLine(
                JsonSerializer.Serialize(
                    new
                    {
                        options = _options,
                        cores = Environment.ProcessorCount,
                        runs = _runs,
                        medians,
                    },
                    MqttLoad.Json
                )
            );
            return;
        }

        var points = _options.Sustained > 0 ? CopyOptions.SlicePoints : _options.Points;
        Console.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"{PlantSource.Tenants} tenants, {PlantSource.Devices} devices, {points:N0} points a {(_options.Sustained > 0 ? $"slice of {_options.Sustained:N0}, without the first" : "run")}, {Environment.ProcessorCount} cores shared by server and client, {string.Join(", ", _options.Settings.Select(s => $"{s.Key} {s.Value}"))}; medians:"
            )
        );
        Console.WriteLine(
            "  case                               metrics/msg     points/s             (range)  ratio  server us/pt  client us/pt  disk B/pt  WAL B/pt"
        );
        foreach (var median in medians)
        {
            var range = string.Create(
                CultureInfo.InvariantCulture,
                $"({median.LeastPointsPerSecond / 1e6:F2} to {median.MostPointsPerSecond / 1e6:F2} M)"
            );
            Console.WriteLine(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"  {median.Description, -34} {median.MetricsPerMessage, 11} {median.PointsPerSecond, 12:N0} {range, 19} {median.Ratio, 6:F2} {median.ServerCpuMicroseconds, 13:F2} {median.ClientCpuMicroseconds, 13:F2} {median.DiskBytes, 10:F1} {median.WalBytes, 9:F1}"
                )
            );
        }
    }

    [GeneratedRegex(@"Time: ([0-9.]+) ms")]
    private static partial Regex TimeOf();
}
