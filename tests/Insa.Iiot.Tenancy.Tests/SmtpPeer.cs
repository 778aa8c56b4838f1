using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using MimeKit;

namespace Insa.Iiot.Tenancy.Tests;

/// <summary>A mail server that is not ours, on loopback: the Node package smtp-server.</summary>
internal sealed class SmtpPeer : IAsyncDisposable
{
    public const string User = "ann";
    public const string Password = "swordfish-4711";

    private readonly string _folder = Directory.CreateTempSubdirectory("iiot-smtp-").FullName;
    private Process _process = null!;

    private SmtpPeer() { }

    public int Port { get; private set; }

    /// <summary>The server's certificate, which is its own root.</summary>
    public X509Certificate2? Certificate { get; private set; }

    public static Task<SmtpPeer> StartPlainAsync() => StartAsync(hasTls: false, login: null, mode: "");

    /// <summary>With STARTTLS, or TLS from the first byte, and a login.</summary>
    public static Task<SmtpPeer> StartTlsAsync(bool isImplicit = false) => StartAsync(hasTls: true, Password, isImplicit ? "implicit" : "");

    /// <summary>Waits for what the server took.</summary>
    public async Task<Received> ReadMessageAsync() => JsonSerializer.Deserialize<Received>(await ReadAsync("message"))!;

    /// <summary>Waits until the server says something.</summary>
    public async Task<string> ReadAsync(string what)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        var line = await _process.StandardOutput.ReadLineAsync(patience.Token);
        Assert.StartsWith(what, line, StringComparison.Ordinal);
        return line![what.Length..].Trim();
    }

    public async ValueTask DisposeAsync()
    {
        _process.StandardInput.Close();
        await _process.WaitForExitAsync();
        _process.Dispose();
        Certificate?.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private static async Task<SmtpPeer> StartAsync(bool hasTls, string? login, string mode)
    {
        var script = Path.Combine(FindPeers(), "smtp.mjs");
        var peer = new SmtpPeer();
        var (certificate, key) = hasTls ? peer.MakeCertificate() : ("", "");
        var start = new ProcessStartInfo("/usr/bin/env", ["node", script, certificate, key, mode])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };
        if (login is not null)
            start.Environment["SMTP_PASSWORD"] = login;
        peer._process = Process.Start(start)!;
        peer.Port = int.Parse(await peer.ReadAsync("listening"), CultureInfo.InvariantCulture);
        return peer;
    }

    private (string Certificate, string Key) MakeCertificate()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        request.CertificateExtensions.Add(names.Build());
        var now = TimeProvider.System.GetUtcNow();
        Certificate = request.CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
        var (certificateFile, keyFile) = (Path.Combine(_folder, "server.pem"), Path.Combine(_folder, "server.key"));
        File.WriteAllText(certificateFile, Certificate.ExportCertificatePem());
        File.WriteAllText(keyFile, key.ExportPkcs8PrivateKeyPem());
        return (certificateFile, keyFile);
    }

    private static string FindPeers()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            var peers = Path.Combine(folder.FullName, "tests", "peers", "node");
            if (Directory.Exists(Path.Combine(peers, "node_modules", "smtp-server")))
                return peers;
        }

        Assert.SkipUnless(
            Environment.GetEnvironmentVariable("IIOT_REQUIRE_PEERS") == "1",
            "The mail server is missing: run eng/install-peers.sh, or eng/test.sh for everything."
        );
        throw new DirectoryNotFoundException("The mail server is missing below tests/peers/node.");
    }

    internal sealed record Received(
        [property: JsonPropertyName("from")] string From,
        [property: JsonPropertyName("to")] IReadOnlyList<string> To,
        [property: JsonPropertyName("secure")] bool Secure,
        [property: JsonPropertyName("user")] string? User,
        [property: JsonPropertyName("raw")] string Raw
    )
    {
        /// <summary>The lines of the headers, as they came.</summary>
        public IReadOnlyList<string> Headers => Raw[..Raw.IndexOf("\r\n\r\n", StringComparison.Ordinal)].Split("\r\n");

        public MimeMessage Parse() => MimeMessage.Load(new MemoryStream(Encoding.Latin1.GetBytes(Raw)));
    }
}
