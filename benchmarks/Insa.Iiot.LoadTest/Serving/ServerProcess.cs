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

    /// <summary>The port of CoAP over TCP.</summary>
    public int TcpPort { get; private init; }

    /// <summary>The port of CoAP over TLS.</summary>
    public int TlsPort { get; private init; }

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
        var isCoap = numbers.Length > 1;
        return new ServerProcess("insa.iiot", process, folder, numbers[0], isOurs: true)
        {
            SecurePort = isCoap ? numbers[1] : 0,
            TcpPort = isCoap ? numbers[2] : 0,
            TlsPort = isCoap ? numbers[3] : 0,
        };
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
    /// <param name="hasCertificate">Whether it has a certificate, for TLS.</param>
    public static async Task<ServerProcess> StartLibcoapAsync(string? key, bool hasCertificate)
    {
        var binary = key is null && !hasCertificate ? "/usr/bin/coap-server-notls" : "/usr/bin/coap-server-openssl";
        if (!File.Exists(binary))
            throw new FileNotFoundException($"{binary} is missing: run eng/install-peers.sh.");
        int port;
        using (var free = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp))
        {
            free.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            port = ((IPEndPoint)free.LocalEndPoint!).Port;
        }

        var folder = Directory.CreateTempSubdirectory("iiot-load-").FullName;
        var certificate = Path.Combine(folder, "server.pem");
        if (hasCertificate)
            await ServerCertificate.WriteAsync(certificate);
        string[] arguments =
        [
            "-A",
            "127.0.0.1",
            "-p",
            port.ToString(CultureInfo.InvariantCulture),
            "-v",
            "0",
            .. key is null ? Array.Empty<string>() : ["-k", key],
            .. hasCertificate ? ["-n", "-c", certificate] : Array.Empty<string>(),
        ];
        var process = Process.Start(new ProcessStartInfo(binary, arguments))!;
        await PingAsync(port);

        // DTLS and TLS have the next one.
        return new ServerProcess("libcoap", process, folder, port, isOurs: false)
        {
            SecurePort = port + 1,
            TcpPort = port,
            TlsPort = port + 1,
        };
    }

    /// <summary>Starts our OPC UA server with the plant's variables.</summary>
    /// <param name="rate">How often a second they change; 0 is never.</param>
    /// <param name="changing">How many of them do.</param>
    public static Task<ServerProcess> StartOpcUaAsync(int rate, int changing)
    {
        var folder = Directory.CreateTempSubdirectory("iiot-load-").FullName;
        var trusted = Directory.CreateDirectory(Path.Combine(folder, "pki", "trusted", "certs"));
        File.WriteAllBytes(Path.Combine(trusted.FullName, "load.der"), OpcUa.OpcUaClient.Certificate);
        return StartServeAsync("serve-opcua", string.Create(CultureInfo.InvariantCulture, $"{rate}x{changing}"), folder, null);
    }

    /// <summary>Starts our OPC UA server over a store that is filled already.</summary>
    /// <param name="store"><c>sqlite</c> or <c>postgres</c>.</param>
    /// <param name="folder">Its database and certificates: deleted with the server.</param>
    /// <param name="postgres">The connection string of <c>postgres</c>.</param>
    public static Task<ServerProcess> StartOpcUaSpaceAsync(string store, string folder, string? postgres) =>
        StartServeAsync("serve-opcua-space", store, folder, postgres);

    /// <summary>Starts node-opcua's server with the same variables.</summary>
    public static async Task<ServerProcess> StartNodeOpcUaAsync(int rate, int changing)
    {
        int port;
        using (var free = new TcpListener(IPAddress.Loopback, 0))
        {
            free.Start();
            port = ((IPEndPoint)free.LocalEndpoint).Port;
        }

        var folder = Directory.CreateTempSubdirectory("iiot-load-").FullName;
        var script = FindPeer("load-server.mjs");
        // It ends when its input does: also if this process is killed.
        var start = new ProcessStartInfo("node", [script])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            WorkingDirectory = Path.GetDirectoryName(script),
        };
        foreach (var number in (ReadOnlySpan<int>)[port, 0, OpcUa.OpcUaPlant.Devices, OpcUa.OpcUaPlant.MetricsPerDevice, rate, changing])
            start.ArgumentList.Add(number.ToString(CultureInfo.InvariantCulture));
        start.ArgumentList[2] = folder;
        var process = Process.Start(start)!;
        string? line;
        do
        {
            line = await process.StandardOutput.ReadLineAsync().WaitAsync(Patience);
            if (line is null)
                throw new InvalidOperationException("node-opcua's server did not start: run eng/install-peers.sh.");
        } while (line != "listening");
        _ = process.StandardOutput.BaseStream.CopyToAsync(Stream.Null);
        return new ServerProcess("node-opcua", process, folder, port, isOurs: false);
    }

    private static string FindPeer(string name)
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            var candidate = Path.Combine(folder.FullName, "tests", "peers", "opcua", name);
            if (File.Exists(candidate))
                return candidate;
        }

        throw new DirectoryNotFoundException($"{name} is missing below tests/peers/opcua.");
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
