using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;

namespace Insa.Iiot.SampleHost.Tests;

/// <summary>The built sample host as a child process on free ports, and requests to it.</summary>
internal sealed class HostProcess : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private static readonly string[] Ports =
    [
        "--Iiot:Http:Port",
        "--Iiot:Mqtt:Port",
        "--Iiot:Coap:Port",
        "--Iiot:Coap:SecurePort",
        "--Iiot:OpcUa:Port",
    ];

    private readonly Process _process;
    private readonly HttpClient _http;
    private readonly StringBuilder _log = new();
    private readonly Task _rest;

    private HostProcess(Process process, string banner, JsonNode bootstrap)
    {
        (_process, Banner, Bootstrap) = (process, banner, bootstrap);
        _rest = FollowAsync();
        _http = new HttpClient { BaseAddress = new Uri((string)bootstrap["http"]!), Timeout = Patience };
    }

    /// <summary>What the host printed until it was ready.</summary>
    public string Banner { get; }

    public JsonNode Bootstrap { get; }

    /// <summary>The largest resident size so far (proc(5)).</summary>
    public long PeakMebibytes =>
        long.Parse(
            File.ReadLines($"/proc/{_process.Id}/status")
                .First(line => line.StartsWith("VmHWM:", StringComparison.Ordinal))
                .Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries)[1],
            CultureInfo.InvariantCulture
        ) / 1024;

    /// <summary>What the host printed since.</summary>
    public string Log
    {
        get
        {
            lock (_log)
                return _log.ToString();
        }
    }

    public IPEndPoint Mqtt => new(IPAddress.Parse((string)Bootstrap["mqtt"]!["host"]!), (int)Bootstrap["mqtt"]!["port"]!);

    /// <summary>The port of plain CoAP, at loopback.</summary>
    public IPEndPoint Coap => new(IPAddress.Loopback, (int)Bootstrap["coap"]!["port"]!);

    /// <summary>The port of plain CoAP over TCP, at loopback.</summary>
    public IPEndPoint CoapTcp => new(IPAddress.Loopback, (int)Bootstrap["coap"]!["tcpPort"]!);

    public AuthenticationHeaderValue Admin => new("Bearer", (string)Bootstrap["adminToken"]!);

    public AuthenticationHeaderValue Device => Basic((string)Bootstrap["device"]!["username"]!, (string)Bootstrap["device"]!["password"]!);

    public static async Task<HostProcess> StartAsync(string data, params string[] arguments)
    {
        var process = Launch(data, arguments);
        try
        {
            var errors = process.StandardError.ReadToEndAsync();
            var banner = new StringBuilder();
            while (!banner.ToString().Contains("Ctrl+C stops it", StringComparison.Ordinal))
            {
                var line = await process.StandardOutput.ReadLineAsync().WaitAsync(Patience);
                if (line is null)
                    throw new InvalidOperationException($"The host did not start. {banner}{await errors}");
                banner.AppendLine(line);
            }

            var bootstrap = JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(data, "bootstrap.json")))!;
            return new HostProcess(process, banner.ToString(), bootstrap);
        }
        catch
        {
            process.Kill();
            process.Dispose();
            throw;
        }
    }

    /// <summary>Runs a host that cannot start.</summary>
    public static async Task<(int Exit, string Error)> FailAsync(string data, params string[] arguments)
    {
        using var process = Launch(data, arguments);
        try
        {
            var output = process.StandardOutput.ReadToEndAsync();
            var error = await process.StandardError.ReadToEndAsync().WaitAsync(Patience);
            await output.WaitAsync(Patience);
            await process.WaitForExitAsync().WaitAsync(Patience);
            return (process.ExitCode, error);
        }
        catch (TimeoutException)
        {
            process.Kill();
            throw;
        }
    }

    public static AuthenticationHeaderValue Basic(string user, string password) =>
        new("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{user}:{password}")));

    public static StringContent Json(string json) => new(json, Encoding.UTF8, "application/json");

    public async Task<HttpResponseMessage> SendAsync(
        HttpMethod method,
        string path,
        AuthenticationHeaderValue? authorization,
        HttpContent? content = null,
        params (string Name, string Value)[] headers
    )
    {
        using var request = new HttpRequestMessage(method, path) { Content = content };
        foreach (var (name, value) in headers)
            request.Headers.TryAddWithoutValidation(name, value);
        request.Headers.Authorization = authorization;
        return await _http.SendAsync(request);
    }

    /// <summary>Reads what the administrator may read.</summary>
    public async Task<JsonNode> ReadAsync(string path)
    {
        using var answer = await SendAsync(HttpMethod.Get, path, Admin);
        var text = await answer.Content.ReadAsStringAsync();
        Assert.True(answer.StatusCode == HttpStatusCode.OK, $"{path}: {(int)answer.StatusCode} {text} The host's log: {Log}");
        return JsonNode.Parse(text)!;
    }

    public async Task<string> ReadTextAsync(string path)
    {
        using var answer = await SendAsync(HttpMethod.Get, path, null);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        return await answer.Content.ReadAsStringAsync();
    }

    /// <summary>Registers a device.</summary>
    /// <returns>Its user name and secret.</returns>
    public async Task<(string User, string Password)> AddDeviceAsync(string id)
    {
        using var answer = await SendAsync(HttpMethod.Post, "/api/v1/devices", Admin, Json($$"""{"id":"{{id}}"}"""));
        Assert.Equal(HttpStatusCode.Created, answer.StatusCode);
        var made = JsonNode.Parse(await answer.Content.ReadAsStringAsync())!;
        return ((string)made["username"]!, (string)made["password"]!);
    }

    /// <summary>Registers a device and posts as it.</summary>
    public async Task PostAsync(string id, string json)
    {
        var (user, password) = await AddDeviceAsync(id);
        using var answer = await SendAsync(HttpMethod.Post, "/api/v1/telemetry", Basic(user, password), Json(json));
        Assert.Equal(HttpStatusCode.NoContent, answer.StatusCode);
    }

    /// <summary>Ends the process at once, as the kernel does when memory runs out.</summary>
    public void Kill() => _process.Kill();

    /// <summary>Asks the process to stop, as an operator does.</summary>
    /// <returns>Its exit code.</returns>
    public async Task<int> StopAsync()
    {
        using var kill = Process.Start("/bin/sh", ["-c", $"kill -TERM {_process.Id}"]);
        await kill.WaitForExitAsync();
        await _process.WaitForExitAsync().WaitAsync(Patience);
        await _rest;
        return _process.ExitCode;
    }

    public async ValueTask DisposeAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync().WaitAsync(Patience);
        _process.Dispose();
        _http.Dispose();
    }

    private async Task FollowAsync()
    {
        while (await _process.StandardOutput.ReadLineAsync() is { } line)
        {
            lock (_log)
                _log.AppendLine(line);
        }
    }

    private static Process Launch(string data, string[] arguments)
    {
        // artifacts/bin/{project}/{configuration}/
        var ours = new DirectoryInfo(AppContext.BaseDirectory.TrimEnd(Path.DirectorySeparatorChar));
        var host = Path.Combine(ours.Parent!.Parent!.FullName, "Insa.Iiot.SampleHost", ours.Name, "Insa.Iiot.SampleHost.dll");
        Assert.True(File.Exists(host), $"{host} is missing: build the sample host.");
        return Process.Start(
            new ProcessStartInfo(
                Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet",
                [host, "--data", data, .. Ports.SelectMany(port => Default(port, arguments)), .. arguments]
            )
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
                WorkingDirectory = Path.GetTempPath(),

                // What a host holds shows only where there is little room: with more, the collector of servers leaves garbage lying about.
                Environment = { ["DOTNET_GCHeapHardLimit"] = "0x8000000" },
            }
        )!;
    }

    private static string[] Default(string option, string[] arguments) => arguments.Contains(option) ? [] : [option, "0"];
}
