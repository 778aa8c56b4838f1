using System.Net;
using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Diagnostics;
using Insa.Iiot.Protocols.OpcUa.Pki;
using Insa.Iiot.Protocols.OpcUa.Security;
using Insa.Iiot.Protocols.OpcUa.Types;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Insa.Iiot.Protocols.OpcUa.Server;

/// <summary>What the server is to its clients: its name, its URI, its certificate and the policies it speaks. Made when the host starts.</summary>
internal sealed class ServerIdentity : IDisposable
{
    public const string Product = "urn:insa:iiot";

    /// <exception cref="IOException">The folder of certificates cannot be read or written.</exception>
    public ServerIdentity(IOptions<OpcUaServerOptions> options, IHostEnvironment host, TimeProvider time, ILogger<ServerIdentity> logger)
    {
        var settings = options.Value;
        var name = Dns.GetHostName().ToLowerInvariant();
        ApplicationName = settings.ApplicationName;
        ApplicationUri = settings.ApplicationUri ?? $"urn:{name}:insa:iiot";
        Folders = new CertificateFolders(Path.Combine(host.ContentRootPath, settings.CertificateFolder));
        string[] hosts = [name, "localhost", .. settings.HostNames];
        Certificate = OwnCertificate.LoadOrCreate(Folders, ApplicationName, ApplicationUri, hosts.Distinct(), time, logger);
        Policies = [.. SecurityPolicy.All.Where(policy => !policy.IsNone && settings.SecurityPolicies.Contains(policy.Policy))];
        logger.Serving(ApplicationUri, string.Join(", ", Policies), Certificate.Certificate.Thumbprint);
    }

    public string ApplicationName { get; }

    public string ApplicationUri { get; }

    public CertificateFolders Folders { get; }

    public OwnCertificate Certificate { get; }

    /// <summary>The policies that are offered, without None, weakest first.</summary>
    public IReadOnlyList<SecurityPolicy> Policies { get; }

    /// <summary>What is said of it, to a client that has connected by an address.</summary>
    public ApplicationDescription Describe(string endpointUrl) =>
        new()
        {
            ApplicationUri = ApplicationUri,
            ProductUri = Product,
            ApplicationName = new LocalizedText("en", ApplicationName),
            ApplicationType = ApplicationType.Server,
            DiscoveryUrls = [endpointUrl],
        };

    public void Dispose() => Certificate.Dispose();
}
