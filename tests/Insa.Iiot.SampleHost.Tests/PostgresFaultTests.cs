using System.Globalization;
using System.Net;
using Insa.Iiot.Peers;

namespace Insa.Iiot.SampleHost.Tests;

/// <summary>PostgreSQL, or the way to it, fails under load again and again; the host stays, and comes back by itself.</summary>
public sealed class PostgresFaultTests(ITestOutputHelper output) : IAsyncLifetime
{
    private const int Devices = 2;
    private const int MostPerCycle = 3000;
    private const int MostMebibytes = 300;
    private const string Database = "plant";
    private static readonly TimeSpan OutagePatience = TimeSpan.FromSeconds(60);

    private readonly TestFolder _folder = new();
    private readonly Random _random = new(1);
    private PostgresServer? _server;

    private static int Cycles => KillTests.Cycles;

    private PostgresServer Server => _server!;

    public ValueTask InitializeAsync() => default;

    public async ValueTask DisposeAsync()
    {
        if (_server is not null)
            await _server.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task A_server_that_is_killed_and_started_again_loses_nothing()
    {
        await StartServerAsync();
        await using var host = await StartHostAsync(Server.Port);
        await using var load = await SteadyLoad.StartAsync(host, Devices);
        for (var cycle = 0; cycle < Cycles; cycle++)
        {
            await load.AcknowledgedAsync(_random.Next(1, MostPerCycle));
            await Server.KillAsync();
            await Server.StartAgainAsync();
        }

        await FinishAsync(host, load, Cycles);
    }

    [Fact]
    public async Task A_server_that_ends_all_of_the_hosts_connections_loses_nothing()
    {
        await StartServerAsync();
        await using var host = await StartHostAsync(Server.Port);
        await using var load = await SteadyLoad.StartAsync(host, Devices);
        var ended = 0L;
        for (var cycle = 0; cycle < 5 * Cycles; cycle++)
        {
            await load.AcknowledgedAsync(_random.Next(1, MostPerCycle));
            ended += (long)
                (
                    await Server.QueryAsync(
                        "select count(*) filter (where pg_terminate_backend(pid)) from pg_stat_activity where usename = 'iiot_host'"
                    )
                )!;
        }

        Assert.True(ended >= Cycles, $"Only {ended} connections were ended.");
        await FinishAsync(host, load, 5 * Cycles);
    }

    [Fact]
    public async Task A_network_that_is_cut_or_falls_silent_loses_nothing()
    {
        await StartServerAsync();
        await using var proxy = new TcpProxy(Server.Port);
        await using var host = await StartHostAsync(proxy.Port, "--Iiot:Postgres:CommandTimeout=00:00:02");
        await using var load = await SteadyLoad.StartAsync(host, Devices);
        for (var cycle = 0; cycle < Cycles; cycle++)
        {
            await load.AcknowledgedAsync(_random.Next(1, MostPerCycle));
            if (cycle % 3 == 2)
                proxy.Silence();
            else
                proxy.Cut();
            await AnswersAsync(host, HttpStatusCode.ServiceUnavailable);
            proxy.Mend();
        }

        await FinishAsync(host, load, Cycles);
    }

    [Fact]
    public async Task A_server_whose_disk_is_full_takes_up_again_when_there_is_room()
    {
        using var disk = SmallDisk.TryMake(mebibytes: 256);
        Assert.False(
            disk is null && OperatingSystem.IsLinux() && Environment.GetEnvironmentVariable("IIOT_REQUIRE_PEERS") == "1",
            "A small disk cannot be mounted: it takes root, or sudo without a password, and a container that may mount."
        );
        Assert.SkipWhen(disk is null, "A small disk cannot be mounted here.");
        _server = await PostgresServer.StartInAsync(disk.Folder, "shared_buffers = 32MB", "max_wal_size = 64MB", "min_wal_size = 32MB");
        await PrepareAsync();
        await using var host = await StartHostAsync(Server.Port);
        await using var load = await SteadyLoad.StartAsync(host, Devices);
        for (var cycle = 0; cycle < Cycles; cycle++)
        {
            await load.AcknowledgedAsync(_random.Next(1, MostPerCycle));
            var failures = await WriteFailuresAsync(host);
            disk.Fill();
            await UntilAsync(async () => await WriteFailuresAsync(host) > failures);
            disk.Free();

            // Without room for its log the server begins anew by itself, or stops: then its operator starts it again.
            await UntilAsync(async () =>
            {
                var answers = await AnswersAsync();
                if (!answers && !Server.IsRunning)
                    await Server.StartAgainAsync();
                return answers;
            });
        }

        await FinishAsync(host, load, Cycles);
        await Server.DisposeAsync();
        _server = null;
    }

    private async Task StartServerAsync()
    {
        _server = await PostgresServer.StartAsync("shared_buffers = 64MB");
        await PrepareAsync();
    }

    private async Task PrepareAsync()
    {
        await PostgresCluster.MakeRolesAsync(Server);
        await PostgresCluster.MakeDatabaseAsync(Server, Database);
    }

    private Task<HostProcess> StartHostAsync(int port, params string[] more)
    {
        string Connect(string login) =>
            string.Create(CultureInfo.InvariantCulture, $"Host=127.0.0.1;Port={port};Username={login};Database={Database};Timeout=2");
        return HostProcess.StartAsync(
            _folder.Data,
            [.. PostgresCluster.Arguments(Connect("iiot_host"), Connect("iiot_deploy")), "--Iiot:Ingestion:MaxRetryDelay=00:00:01", .. more]
        );
    }

    /// <summary>Once more everything works; all that was acknowledged is there, and the host has not grown.</summary>
    private async Task FinishAsync(HostProcess host, SteadyLoad load, int cycles)
    {
        await load.AcknowledgedAsync(MostPerCycle);
        await load.StopAsync();

        // A write that failed may still be waiting to be tried again.
        await UntilAsync(async () => await SumAsync(host, "insa_iiot_ingestion_messages_in_flight") == 0);

        // Connections that wait in a pool have not noticed yet: the first query over one of them fails, with 503.
        await AnswersAsync(host, HttpStatusCode.OK);
        var audit = await LoadAudit.ReadAsync(host, load.Devices);
        output.WriteLine(
            $"{cycles} cycles: {audit}; {load.Devices.Count} devices connected {load.Connections} times; the host took {host.PeakMebibytes} MiB at most."
        );
        Assert.InRange(host.PeakMebibytes, 1, MostMebibytes);
        Assert.Equal(0, await host.StopAsync());
    }

    private static Task AnswersAsync(HostProcess host, HttpStatusCode ready) =>
        UntilAsync(async () =>
        {
            using var answer = await host.SendAsync(HttpMethod.Get, "/health/ready", null);
            return answer.StatusCode == ready;
        });

    private static Task<long> WriteFailuresAsync(HostProcess host) => SumAsync(host, "insa_iiot_ingestion_write_failures");

    private static async Task<long> SumAsync(HostProcess host, string metric) =>
        (await host.ReadTextAsync("/metrics"))
            .Split('\n')
            .Where(line => line.StartsWith(metric, StringComparison.Ordinal))
            .Sum(line => long.Parse(line.Split(' ')[1], CultureInfo.InvariantCulture));

    private async Task<bool> AnswersAsync()
    {
        try
        {
            await Server.QueryAsync("select 1");
            return true;
        }
        catch (Npgsql.NpgsqlException)
        {
            return false;
        }
    }

    private static async Task UntilAsync(Func<Task<bool>> condition)
    {
        using var patience = new CancellationTokenSource(OutagePatience);
        while (!await condition())
            await Task.Delay(20, patience.Token);
    }
}
