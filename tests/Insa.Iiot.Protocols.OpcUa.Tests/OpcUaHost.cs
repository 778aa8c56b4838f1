using System.Net;
using System.Security.Cryptography.X509Certificates;
using Insa.Iiot.Protocols.OpcUa.Pki;
using Insa.Iiot.Protocols.OpcUa.Server;
using Insa.Iiot.Protocols.OpcUa.Tests.AddressSpace;
using Insa.Iiot.Protocols.OpcUa.Tests.Pki;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;

namespace Insa.Iiot.Protocols.OpcUa.Tests;

/// <summary>A host with the server, a device, a gateway and a user, and folders of its own.</summary>
internal sealed class OpcUaHost : IDeviceAuthenticator, IUserAuthenticator, IAsyncDisposable
{
    public const string Password = "correct-horse-battery";
    public const string Device = "press-1@acme";
    public const string User = "ann@example.com@acme";

    /// <summary>A user of another tenant, who may do what <see cref="User"/> may.</summary>
    public const string OtherUser = "bob@example.com@globex";

    public static readonly X509Certificate2 ClientCertificate = TestAuthority.SelfSigned("CN=Client");
    public static readonly X509Certificate2 DeviceCertificate = TestAuthority.SelfSigned("CN=press-1", uri: null);
    private static readonly X509Certificate2 ServerCertificate = MakeServerCertificate();

    private readonly string _root = Directory.CreateTempSubdirectory("opcua-host").FullName;
    private readonly WebApplication _app;

    private OpcUaHost(Action<OpcUaServerOptions>? configure, TimeProvider? time, Action<IiotBuilder>? add, bool reusesCertificate)
    {
        Folders = new CertificateFolders(_root);
        Folders.Create();
        if (reusesCertificate)
            WriteServerCertificate();
        Trust(ClientCertificate);
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders().AddProvider(Logs).SetMinimumLevel(LogLevel.Trace);
        builder.Services.AddSingleton<IDeviceAuthenticator>(this).AddSingleton<IUserAuthenticator>(this);
        if (time is not null)
            builder.Services.AddSingleton(time);
        builder.Services.TryAddSingleton(TimeProvider.System);
        var iiot = builder.Services.AddIiot();
        add?.Invoke(iiot);
        builder.Services.TryAddSingleton<IDeviceRegistry>(Registry);
        builder.Services.TryAddSingleton<ITelemetryReader>(Latest);
        builder.Services.TryAddSingleton<ITelemetryIngress, HeldIngress>();
        iiot.AddOpcUaServer(options =>
        {
            options.Listeners.Add(new OpcUaListenerOptions { Port = 0 });
            options.ApplicationUri = "urn:test:server";
            options.CertificateFolder = _root;

            // All tests come from one address.
            options.MaxConnectionsPerAddress = options.MaxNewConnectionsPerSecond = 100_000;
            configure?.Invoke(options);
        });
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        _app = builder.Build();
    }

    public CertificateFolders Folders { get; }

    public FakeLoggerProvider Logs { get; } = new();

    /// <summary>The devices, if the test has added no others.</summary>
    public MemoryRegistry Registry { get; } = new();

    /// <summary>Their values, likewise.</summary>
    public MemoryLatest Latest { get; } = new();

    public IServiceProvider Services => _app.Services;

    public IPEndPoint Endpoint => Services.GetRequiredService<OpcUaServerAddresses>().Endpoints[0];

    public string Url => $"opc.tcp://localhost:{Endpoint.Port}";

    public OwnCertificate Certificate => Services.GetRequiredService<ServerIdentity>().Certificate;

    /// <summary>Whether authenticators cannot be reached.</summary>
    public bool IsDown { get; set; }

    /// <summary>What <see cref="User"/> may do; <see langword="null"/> if they are gone.</summary>
    public HashSet<string>? UserPermissions { get; set; } = ["telemetry:read", "devices:read"];

    public static async Task<OpcUaHost> StartAsync(
        Action<OpcUaServerOptions>? configure = null,
        TimeProvider? time = null,
        Action<IiotBuilder>? add = null,
        bool reusesCertificate = true,
        Action<OpcUaHost>? prepare = null
    )
    {
        var host = new OpcUaHost(configure, time, add, reusesCertificate);
        prepare?.Invoke(host);
        await host._app.StartAsync();
        return host;
    }

    public void Trust(X509Certificate2 certificate) =>
        File.WriteAllBytes(
            Path.Combine(CertificateFolders.CertificatesOf(Folders.Trusted), CertificateFileName.Of(certificate) + ".der"),
            certificate.RawData
        );

    public void TrustUser(X509Certificate2 certificate) =>
        File.WriteAllBytes(
            Path.Combine(CertificateFolders.CertificatesOf(Folders.TrustedUser), CertificateFileName.Of(certificate) + ".der"),
            certificate.RawData
        );

    public Task StopAsync() => _app.StopAsync();

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        Logs.Dispose();
        Directory.Delete(_root, recursive: true);
    }

    async ValueTask<DeviceSession?> IDeviceAuthenticator.AuthenticateAsync(DeviceCredential credential, CancellationToken cancellationToken)
    {
        await Task.Yield();
        if (IsDown)
            throw new TelemetryStoreException("down", isTransient: true);
        var isRight = credential.Kind switch
        {
            DeviceCredentialKind.Password => credential.Password.Span.SequenceEqual(System.Text.Encoding.UTF8.GetBytes(Password)),
            DeviceCredentialKind.Certificate => credential.Certificate.Span.SequenceEqual(DeviceCertificate.RawData),
            _ => false,
        };
        if (!isRight)
            return null;
        if (credential.Kind == DeviceCredentialKind.Certificate)
            return new DeviceSession(TenantId.Parse("acme"), DeviceId.Parse("press-1"));
        return DeviceCredential.TrySplitUserName(credential.UserName, out var device, out var tenant)
            ? new DeviceSession(tenant, device)
            : null;
    }

    async ValueTask<UserGrant?> IUserAuthenticator.AuthenticateAsync(
        string userName,
        ReadOnlyMemory<byte> password,
        CancellationToken cancellationToken
    ) =>
        password.Span.SequenceEqual(System.Text.Encoding.UTF8.GetBytes(Password))
            ? await ((IUserAuthenticator)this).FindAsync(userName, cancellationToken)
            : null;

    async ValueTask<UserGrant?> IUserAuthenticator.FindAsync(string userName, CancellationToken cancellationToken)
    {
        await Task.Yield();
        return userName is User or OtherUser && UserPermissions is { } permissions
            ? new UserGrant(TenantId.Parse(userName == User ? "acme" : "globex"), "1", userName, 1, permissions)
            : null;
    }

    private static X509Certificate2 MakeServerCertificate()
    {
        using var made = OwnCertificate.Create("Server", "urn:test:server", ["localhost"], TimeProvider.System.GetUtcNow().AddYears(-1));
        return made.Certificate.CopyWithPrivateKey(made.Key);
    }

    private void WriteServerCertificate()
    {
        var name = CertificateFileName.Of(ServerCertificate);
        File.WriteAllBytes(Path.Combine(Folders.OwnCertificates, name + ".der"), ServerCertificate.RawData);
        File.WriteAllText(Path.Combine(Folders.OwnKeys, name + ".pem"), ServerCertificate.GetRSAPrivateKey()!.ExportPkcs8PrivateKeyPem());
    }
}
