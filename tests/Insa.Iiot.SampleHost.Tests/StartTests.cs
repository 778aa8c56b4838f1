using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;

namespace Insa.Iiot.SampleHost.Tests;

public sealed class StartTests : IDisposable
{
    private readonly TestFolder _folder = new();

    private string BootstrapPath => Path.Combine(_folder.Data, "bootstrap.json");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task The_first_start_writes_who_may_come_in_and_where_for_its_owner_alone()
    {
        await using var host = await HostProcess.StartAsync(_folder.Data);
        if (!OperatingSystem.IsWindows())
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(BootstrapPath));
        var bootstrap = host.Bootstrap;
        Assert.Equal("default", (string?)bootstrap["tenant"]);
        Assert.Equal("demo-press-01", (string?)bootstrap["device"]!["id"]);
        Assert.Equal("demo-press-01@default", (string?)bootstrap["device"]!["username"]);
        Assert.True(((string)bootstrap["device"]!["password"]!).Length >= 43);
        Assert.True(((string)bootstrap["adminToken"]!).Length >= 43);
        Assert.NotEqual(0, host.Mqtt.Port);
        Assert.NotEqual(host.Mqtt.Port, new Uri((string)bootstrap["http"]!).Port);
    }

    [Fact]
    public async Task The_banner_says_where_it_listens_and_no_secret()
    {
        await using var host = await HostProcess.StartAsync(_folder.Data);
        Assert.Contains(host.Mqtt.ToString(), host.Banner, StringComparison.Ordinal);
        Assert.Contains((string)host.Bootstrap["http"]!, host.Banner, StringComparison.Ordinal);
        Assert.DoesNotContain((string)host.Bootstrap["adminToken"]!, host.Banner, StringComparison.Ordinal);
        Assert.DoesNotContain((string)host.Bootstrap["device"]!["password"]!, host.Banner, StringComparison.Ordinal);
        Assert.Contains(host.Coap.ToString(), host.Banner, StringComparison.Ordinal);
        Assert.DoesNotContain((string)host.Bootstrap["coap"]!["psk"]!, host.Banner, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Two_hosts_share_no_secret()
    {
        using var other = new TestFolder();
        await using var one = await HostProcess.StartAsync(_folder.Data);
        await using var two = await HostProcess.StartAsync(other.Data);
        Assert.NotEqual((string)one.Bootstrap["adminToken"]!, (string)two.Bootstrap["adminToken"]!);
        Assert.NotEqual((string)one.Bootstrap["device"]!["password"]!, (string)two.Bootstrap["device"]!["password"]!);
    }

    [Fact]
    public async Task A_second_start_keeps_the_secrets_and_the_data()
    {
        JsonNode before;
        await using (var first = await HostProcess.StartAsync(_folder.Data))
        {
            before = first.Bootstrap;
            using var answer = await first.SendAsync(
                HttpMethod.Post,
                "/api/v1/telemetry",
                first.Device,
                HostProcess.Json("""{"data":{"t":21.5}}""")
            );
            Assert.Equal(HttpStatusCode.NoContent, answer.StatusCode);
            Assert.Equal(0, await first.StopAsync());
        }

        await using var second = await HostProcess.StartAsync(_folder.Data);
        Assert.Equal((string)before["adminToken"]!, (string)second.Bootstrap["adminToken"]!);
        Assert.Equal((string)before["device"]!["password"]!, (string)second.Bootstrap["device"]!["password"]!);
        Assert.Equal(21.5, (double)(await second.ReadAsync("/api/v1/devices/demo-press-01/telemetry/latest"))["points"]![0]!["value"]!);
        using var again = await second.SendAsync(
            HttpMethod.Post,
            "/api/v1/telemetry",
            second.Device,
            HostProcess.Json("""{"data":{"t":22}}""")
        );
        Assert.Equal(HttpStatusCode.NoContent, again.StatusCode);
    }

    [Fact]
    public async Task Sigterm_stops_it_with_0()
    {
        await using var host = await HostProcess.StartAsync(_folder.Data);
        Assert.Equal(0, await host.StopAsync());
    }

    [Theory]
    [InlineData("--Iiot:Http:Port", "99999")]
    [InlineData("--Iiot:Mqtt:Port", "-1")]
    [InlineData("--Iiot:Mqtt:Address", "here")]
    [InlineData("--Iiot:Coap:SecurePort", "65536")]
    public async Task A_setting_that_cannot_be_read_is_named_in_one_line(string option, string value)
    {
        var error = await FailAsync(_folder.Data, option, value);
        Assert.Contains($"{option[2..]} is '{value}'", error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_folder.Data));
    }

    [Theory]
    [InlineData("--Iiot:Http:Port")]
    [InlineData("--Iiot:Mqtt:Port")]
    public async Task A_port_in_use_is_named_in_one_line(string option)
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var port = ((IPEndPoint)taken.LocalEndpoint).Port.ToString(CultureInfo.InvariantCulture);
        var error = await FailAsync(_folder.Data, option, port);
        Assert.Contains(port, error, StringComparison.Ordinal);
        Assert.Contains("in use", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_data_folder_that_cannot_be_written_is_named_in_one_line()
    {
        Directory.CreateDirectory(_folder.Data);
        var file = Path.Combine(_folder.Data, "file");
        await File.WriteAllTextAsync(file, "");

        // Below a file there is no folder, not even for root.
        var folder = Path.Combine(file, "below");
        Assert.Contains(folder, await FailAsync(folder), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_bootstrap_file_that_cannot_be_read_is_left_alone()
    {
        Directory.CreateDirectory(_folder.Data);
        await File.WriteAllTextAsync(BootstrapPath, "{");
        Assert.Contains(BootstrapPath, await FailAsync(_folder.Data), StringComparison.Ordinal);
        Assert.Equal("{", await File.ReadAllTextAsync(BootstrapPath));
    }

    /// <returns>The one line on standard error.</returns>
    private static async Task<string> FailAsync(string data, params string[] arguments)
    {
        var (exit, error) = await HostProcess.FailAsync(data, arguments);
        Assert.Equal(1, exit);
        Assert.StartsWith("Insa.Iiot cannot start: ", error, StringComparison.Ordinal);
        return Assert.Single(error.TrimEnd('\n').Split('\n'));
    }
}
