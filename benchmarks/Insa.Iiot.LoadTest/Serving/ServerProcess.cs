using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Insa.Iiot.LoadTest.Serving;

/// <summary>A server under load, started for it and stopped by its process id.</summary>
internal sealed class ServerProcess : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly Process _process;
    private readonly string _folder;

    private PrivatePostgres? _postgres;

    private ServerProcess(string name, Process process, string folder, int port, bool isOurs) =>
        (Name, _process, _folder, Port, IsOurs) = (name, process, folder, port, isOurs);

    public string Name { get; }

    public int Port { get; }

    /// <summary>The port of CoAP over DTLS.</summary>
    public int SecurePort { get; private init; }

    public bool IsOurs { get; }

    public int Id => _process.Id;

    public static async Task<ServerProcess> StartEndpointAsync(LoadOptions options)
    {
        var store = options.Store;
        var postgres = store == "postgres" && options.Postgres is null ? await PrivatePostgres.StartAsync() : null;
        try
        {
            var server = await StartEndpointAsync(store, postgres?.HostConnectionString ?? options.Postgres);
            server._postgres = postgres;
            return server;
        }
        catch
        {
            if (postgres is not null)
                await postgres.DisposeAsync();
            throw;
        }
    }

    private static async Task<ServerProcess> StartEndpointAsync(string store, string? postgres)
    {
        var folder = Directory.CreateTempSubdirectory("iiot-load-").FullName;
        return await StartServeAsync("serve", store, folder, postgres);
    }

    /// <summary>Starts our CoAP server.</summary>
    public static Task<ServerProcess> StartCoapAsync(string store) =>
        StartServeAsync("serve-coap", store, Directory.CreateTempSubdirectory("iiot-load-").FullName, null);

    private static async Task<ServerProcess> StartServeAsync(string command, string store, string folder, string? postgres)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!, [command, store, folder])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };
        start.Environment[LoadServer.PostgresVariable] = postgres;
        var process = Process.Start(start)!;
        var ports = await process.StandardOutput.ReadLineAsync().WaitAsync(Patience);
        var numbers = ports!.Split(' ').Select(port => int.Parse(port, CultureInfo.InvariantCulture)).ToArray();
        return new ServerProcess("insa.iiot", process, folder, numbers[0], isOurs: true) { SecurePort = numbers[^1] };
    }

    public static async Task<ServerProcess> StartMosquittoAsync()
    {
        var folder = Directory.CreateTempSubdirectory("iiot-load-").FullName;
        using var free = new TcpListener(IPAddress.Loopback, 0);
        free.Start();
        var port = ((IPEndPoint)free.LocalEndpoint).Port;
        free.Stop();
        var config = Path.Combine(folder, "mosquitto.conf");
        await File.WriteAllTextAsync(
            config,
            $"""
            listener {port} 127.0.0.1
            allow_anonymous true
            persistence false
            set_tcp_nodelay true
            max_inflight_messages 0
            max_queued_messages 100000
            log_type error

            """
        );
        var binary =
            new[] { "/usr/sbin/mosquitto", "/usr/bin/mosquitto" }.FirstOrDefault(File.Exists)
            ?? throw new FileNotFoundException("mosquitto is missing: run eng/install-peers.sh.");
        var process = Process.Start(new ProcessStartInfo(binary, ["-c", config]))!;
        await WaitForPortAsync(port);
        return new ServerProcess("mosquitto", process, folder, port, isOurs: false);
    }

    /// <summary>Starts libcoap's server, without logs.</summary>
    /// <param name="key">The pre-shared key of its DTLS port, if it is to have one.</param>
    public static async Task<ServerProcess> StartLibcoapAsync(string? key)
    {
        var binary = key is null ? "/usr/bin/coap-server-notls" : "/usr/bin/coap-server-openssl";
        if (!File.Exists(binary))
            throw new FileNotFoundException($"{binary} is missing: run eng/install-peers.sh.");
        int port;
        using (var free = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp))
        {
            free.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            port = ((IPEndPoint)free.LocalEndPoint!).Port;
        }

        string[] arguments =
        [
            "-A",
            "127.0.0.1",
            "-p",
            port.ToString(CultureInfo.InvariantCulture),
            "-v",
            "0",
            .. key is null ? Array.Empty<string>() : ["-k", key],
        ];
        var process = Process.Start(new ProcessStartInfo(binary, arguments))!;
        await PingAsync(port);

        // Its DTLS port is the next one.
        return new ServerProcess("libcoap", process, Directory.CreateTempSubdirectory("iiot-load-").FullName, port, isOurs: false)
        {
            SecurePort = port + 1,
        };
    }

    // A CoAP ping (RFC 7252 §4.3), until it is answered.
    private static async Task PingAsync(int port)
    {
        using var patience = new CancellationTokenSource(Patience);
        while (true)
        {
            using var socket = new UdpClient();
            socket.Connect(IPAddress.Loopback, port);
            try
            {
                await socket.SendAsync(new byte[] { 0x40, 0, 0, 1 }, patience.Token);
                using var once = CancellationTokenSource.CreateLinkedTokenSource(patience.Token);
                once.CancelAfter(TimeSpan.FromMilliseconds(200));
                await socket.ReceiveAsync(once.Token);
                return;
            }
            catch (Exception e) when (e is SocketException or OperationCanceledException && !patience.IsCancellationRequested)
            {
                // It is not there yet.
            }
        }
    }

    /// <summary>Asks our own server for a number.</summary>
    public async Task<long> AskAsync(string question)
    {
        await _process.StandardInput.WriteLineAsync(question);
        var answer = await _process.StandardOutput.ReadLineAsync().WaitAsync(Patience);
        return long.Parse(answer!, CultureInfo.InvariantCulture);
    }

    public async ValueTask DisposeAsync()
    {
        if (IsOurs)
            _process.StandardInput.Close();
        else
            _process.Kill();
        try
        {
            await _process.WaitForExitAsync().WaitAsync(Patience);
        }
        catch (TimeoutException)
        {
            _process.Kill();
        }

        _process.Dispose();
        Directory.Delete(_folder, recursive: true);
        if (_postgres is not null)
            await _postgres.DisposeAsync();
    }

    private static async Task WaitForPortAsync(int port)
    {
        using var patience = new CancellationTokenSource(Patience);
        while (true)
        {
            try
            {
                using var probe = new TcpClient();
                await probe.ConnectAsync(IPAddress.Loopback, port, patience.Token);
                return;
            }
            catch (SocketException)
            {
                await Task.Delay(20, patience.Token);
            }
        }
    }
}
