using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Insa.Iiot.Peers;

/// <summary>A RabbitMQ broker of its own: private folder, ports and port mapper; stopped by its process id.</summary>
public sealed class RabbitMqBroker : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    private readonly string _root;
    private readonly string _folder;
    private readonly RabbitMqBroker? _first;
    private readonly int _distributionPort = FreePorts.Next();
    private readonly int _mapperPort;
    private readonly string _home;
    private Process? _process;

    // Nodes of a cluster share the port mapper and the cookie, which lies in the home folder. A node's own folder is in nobody else's command line.
    private RabbitMqBroker(string root, string name = "node", RabbitMqBroker? first = null) =>
        (_root, _folder, _first, _mapperPort, _home) = (
            root,
            Path.Combine(root, name),
            first,
            first?._mapperPort ?? FreePorts.Next(),
            Path.Combine(root, "home")
        );

    /// <summary>Whether the machine has the broker.</summary>
    public static bool IsInstalled => FindBin() is not null;

    /// <summary>The port on 127.0.0.1.</summary>
    public int Port { get; } = FreePorts.Next();

    /// <summary>The broker with its first user, who is only let in from this machine.</summary>
    public Uri Uri => new($"amqp://guest:guest@127.0.0.1:{Port}");

    private string NodeName => $"iiot{Port}@localhost";

    /// <summary>Starts a broker; returns when it takes connections.</summary>
    /// <param name="settings">Lines of rabbitmq.conf; one that begins with <c>plugin </c> names a plug-in instead.</param>
    public static async Task<RabbitMqBroker> StartAsync(params string[] settings)
    {
        var broker = new RabbitMqBroker(Directory.CreateTempSubdirectory("iiot-rabbit-").FullName);
        try
        {
            await broker.ConfigureAsync(settings);
            await broker.StartAgainAsync();
            return broker;
        }
        catch
        {
            await broker.DisposeAsync();
            throw;
        }
    }

    /// <summary>Starts a cluster; returns when all of its nodes take connections.</summary>
    public static async Task<IReadOnlyList<RabbitMqBroker>> StartClusterAsync(int count)
    {
        var nodes = new List<RabbitMqBroker>();
        try
        {
            var root = Directory.CreateTempSubdirectory("iiot-rabbit-").FullName;
            while (nodes.Count < count)
                nodes.Add(new RabbitMqBroker(root, $"node{nodes.Count}", nodes.FirstOrDefault()));
            await Task.WhenAll(nodes.Select(node => node.ConfigureAsync([])));

            // The first makes the cookie.
            await nodes[0].StartAgainAsync();
            await Task.WhenAll(nodes.Skip(1).Select(node => node.StartAgainAsync()));
            foreach (var node in nodes.Skip(1))
            {
                await node.ControlAsync("stop_app");
                await node.ControlAsync("join_cluster", nodes[0].NodeName);
                await node.ControlAsync("start_app");
            }

            return nodes;
        }
        catch
        {
            await DisposeAsync(nodes);
            throw;
        }
    }

    /// <summary>Stops a cluster and deletes its folder.</summary>
    public static async ValueTask DisposeAsync(IEnumerable<RabbitMqBroker> nodes)
    {
        // The first has what they share.
        foreach (var node in nodes.Reverse())
            await node.DisposeAsync();
    }

    /// <summary>Starts it after <see cref="KillAsync"/>; returns when it takes connections.</summary>
    public async Task StartAgainAsync()
    {
        _process = Start("rabbitmq-server");
        using var patience = new CancellationTokenSource(Patience);
        while (!await IsReadyAsync(patience.Token))
        {
            if (_process.HasExited)
                throw new InvalidOperationException(
                    $"The broker did not start: {await _process.StandardError.ReadToEndAsync(patience.Token)}"
                );
            await Task.Delay(100, patience.Token);
        }
    }

    /// <summary>Kills it as the machine would.</summary>
    public async Task KillAsync()
    {
        foreach (var id in await ProcessesAsync())
        {
            try
            {
                using var process = Process.GetProcessById(id);
                process.Kill();
                await process.WaitForExitAsync();
            }
            catch (ArgumentException)
            {
                // It is gone by itself.
            }
        }

        _process?.Dispose();
        _process = null;
    }

    /// <summary>
    /// Makes quorum queues that are new outlast <see cref="KillAsync"/>. RabbitMQ 3.10 writes its directory of them to disk only after three quiet minutes, and
    /// forgets what it confirmed for a queue that is not in it.
    /// </summary>
    public Task SettleQueuesAsync() => ControlAsync("eval", "[dets:sync(Table) || Table <- dets:all()].");

    /// <summary>Runs rabbitmqctl.</summary>
    public async Task<string> ControlAsync(params string[] arguments)
    {
        using var process = Start("rabbitmqctl", arguments);
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync().WaitAsync(Patience);
        return process.ExitCode == 0
            ? await output
            : throw new InvalidOperationException($"rabbitmqctl {arguments[0]}: {await output} {await errors}");
    }

    /// <summary>Stops the broker and deletes its folder.</summary>
    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        using (
            var mapper = Process.Start(new ProcessStartInfo("epmd", ["-port", $"{_mapperPort}", "-kill"]) { RedirectStandardOutput = true })
        )
            await mapper!.WaitForExitAsync();
        try
        {
            Directory.Delete(_root, recursive: true);
        }
        catch (IOException)
        {
            // Something of it was still being written.
        }
    }

    private async Task ConfigureAsync(string[] settings)
    {
        const string Plugin = "plugin ";
        var plugins = settings.Where(line => line.StartsWith(Plugin, StringComparison.Ordinal)).Select(line => line[Plugin.Length..]);
        Directory.CreateDirectory(_home);
        Directory.CreateDirectory(_folder);
        await File.WriteAllTextAsync(Path.Combine(_folder, "enabled_plugins"), $"[{string.Join(',', plugins)}].");
        await File.WriteAllLinesAsync(
            Path.Combine(_folder, "rabbitmq.conf"),
            [
                $"listeners.tcp.1 = 127.0.0.1:{Port}",
                "disk_free_limit.absolute = 50MB",
                "log.console = false",
                "log.file.level = warning",
                .. settings.Where(line => !line.StartsWith(Plugin, StringComparison.Ordinal)),
            ]
        );
    }

    private static string? FindBin()
    {
        const string Debian = "/usr/lib/rabbitmq/bin";
        return File.Exists(Path.Combine(Debian, "rabbitmq-server")) ? Debian : null;
    }

    private Process Start(string program, params string[] arguments)
    {
        var bin = FindBin() ?? throw new InvalidOperationException("RabbitMQ is missing: run eng/install-peers.sh.");
        var start = new ProcessStartInfo(Path.Combine(bin, program), arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = _folder,
        };
        var environment = start.Environment;
        environment["HOME"] = _home;
        environment["RABBITMQ_NODENAME"] = NodeName;
        environment["RABBITMQ_NODE_IP_ADDRESS"] = "127.0.0.1";
        environment["RABBITMQ_NODE_PORT"] = Port.ToString(CultureInfo.InvariantCulture);
        environment["RABBITMQ_DIST_PORT"] = _distributionPort.ToString(CultureInfo.InvariantCulture);
        environment["RABBITMQ_MNESIA_BASE"] = Path.Combine(_folder, "mnesia");
        environment["RABBITMQ_LOG_BASE"] = Path.Combine(_folder, "log");
        environment["RABBITMQ_PID_FILE"] = Path.Combine(_folder, "rabbit.pid");
        environment["RABBITMQ_ENABLED_PLUGINS_FILE"] = Path.Combine(_folder, "enabled_plugins");
        environment["RABBITMQ_CONFIG_FILE"] = Path.Combine(_folder, "rabbitmq");
        environment["ERL_EPMD_ADDRESS"] = "127.0.0.1";
        environment["ERL_EPMD_PORT"] = _mapperPort.ToString(CultureInfo.InvariantCulture);
        environment["RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS"] = $"-kernel inet_dist_use_interface {{127,0,0,1}} -iiot {_folder}/";
        return Process.Start(start)!;
    }

    // By the node's folder, which its command line has for this alone.
    private async Task<List<int>> ProcessesAsync()
    {
        using var finder = Process.Start(
            new ProcessStartInfo("pgrep", ["-f", "--", $"-iiot {_folder}/"]) { RedirectStandardOutput = true }
        )!;
        var output = await finder.StandardOutput.ReadToEndAsync();
        await finder.WaitForExitAsync();
        return [.. output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => int.Parse(line, CultureInfo.InvariantCulture))];
    }

    // A broker that has opened its port may not be done yet; one that answers the protocol's header is.
    private async Task<bool> IsReadyAsync(CancellationToken cancellationToken)
    {
        try
        {
            using var client = new TcpClient();
            await client.ConnectAsync(IPAddress.Loopback, Port, cancellationToken);
            var stream = client.GetStream();
            await stream.WriteAsync("AMQP\0\0\t\u0001"u8.ToArray(), cancellationToken);
            return await stream.ReadAsync(new byte[8], cancellationToken) > 0;
        }
        catch (Exception e) when (e is SocketException or IOException)
        {
            return false;
        }
    }
}
