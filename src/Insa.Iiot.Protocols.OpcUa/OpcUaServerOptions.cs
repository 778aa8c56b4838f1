namespace Insa.Iiot.Protocols.OpcUa;

/// <summary>How the server listens, whom it lets in and what it bounds. Checked when the host starts.</summary>
public sealed class OpcUaServerOptions
{
    /// <summary>The addresses to listen on. Default none: add at least one.</summary>
    public IList<OpcUaListenerOptions> Listeners { get; } = [];

    /// <summary>The application's name, which clients show and the server's certificate has. Default <c>Insa.Iiot</c>; 1 to 64 characters.</summary>
    public string ApplicationName { get; set; } = "Insa.Iiot";

    /// <summary>
    /// The application's URI: namespace 1, and in the server's certificate. Default <c>urn:{host}:insa:iiot</c>. Another one later needs another certificate,
    /// which clients have to trust anew.
    /// </summary>
    public string? ApplicationUri { get; set; }

    /// <summary>Names and addresses by which clients reach the server, for its certificate, besides the machine's name and <c>localhost</c>. Default none.</summary>
    public IList<string> HostNames { get; } = [];

    /// <summary>
    /// The folder of certificates: <c>own</c>, <c>trusted</c>, <c>issuer</c>, <c>rejected</c>, <c>trustedUser</c>, <c>issuerUser</c>. Default
    /// <c>pki/opcua</c>, relative to the host's content root. Nobody is trusted until their certificate is in <c>trusted/certs</c>.
    /// </summary>
    public string CertificateFolder { get; set; } = Path.Combine("pki", "opcua");

    /// <summary>The security policies that are offered. Default all three.</summary>
    public IList<OpcUaSecurityPolicy> SecurityPolicies { get; } =
    [OpcUaSecurityPolicy.Basic256Sha256, OpcUaSecurityPolicy.Aes128Sha256RsaOaep, OpcUaSecurityPolicy.Aes256Sha256RsaPss];

    /// <summary>Whether channels may be signed without being encrypted. Default <see langword="true"/>.</summary>
    public bool AllowSignOnly { get; set; } = true;

    /// <summary>
    /// Whether data may be had over channels without security, where all can be read and changed on the way. Default <see langword="false"/>: without
    /// security clients can only ask for the endpoints. Passwords are encrypted either way.
    /// </summary>
    public bool AllowUnsecured { get; set; }

    /// <summary>The tenant that everybody may read who does not sign in. Default <see langword="null"/>: nobody may.</summary>
    public TenantId? AnonymousTenant { get; set; }

    /// <summary>Whether a certificate of an authority needs a current revocation list of that authority. Default <see langword="true"/>.</summary>
    public bool RequireRevocationLists { get; set; } = true;

    /// <summary>Whether certificates are taken before and after the time they are made out for. Default <see langword="false"/>: for devices whose certificates cannot be renewed.</summary>
    public bool IgnoreCertificateTimes { get; set; }

    /// <summary>How many refused certificates are kept for an operator to look at. Default 16; 0 to 1,000.</summary>
    public int MaxRejectedCertificates { get; set; } = 16;

    /// <summary>
    /// The most connections, and so secure channels, at once. Default 500; 1 to 100,000. When there are as many, a new one takes the place of the oldest
    /// that has no session.
    /// </summary>
    public int MaxConnections { get; set; } = 500;

    /// <summary>The most connections of one remote address at once. Default 100; 1 to 100,000. Of IPv6 the first 64 bits are the address.</summary>
    public int MaxConnectionsPerAddress { get; set; } = 100;

    /// <summary>How many connections of one remote address are taken per second, and twice as many after a pause. Default 50; 1 to 100,000.</summary>
    public int MaxNewConnectionsPerSecond { get; set; } = 50;

    /// <summary>The most sessions at once. Default 200; 1 to 100,000. When there are as many, a new one takes the place of the oldest that nobody has signed in to.</summary>
    public int MaxSessions { get; set; } = 200;

    /// <summary>The most sessions of one tenant at once. Default 100; 1 to 100,000.</summary>
    public int MaxSessionsPerTenant { get; set; } = 100;

    /// <summary>The longest time a session lives without a request, and without its channel. Default 1 hour; 10 s to 1 day.</summary>
    public TimeSpan MaxSessionTimeout { get; set; } = TimeSpan.FromHours(1);

    /// <summary>The longest time the keys of a channel are used. Default 1 hour; 1 minute to 1 day.</summary>
    public TimeSpan MaxTokenLifetime { get; set; } = TimeSpan.FromHours(1);

    /// <summary>How long a connection may take to open its channel, and a session to be signed in to. Default 10 s; 1 s to 5 minutes.</summary>
    public TimeSpan HandshakeTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a request may take to come in whole once it has begun. Default 10 s; 1 s to 5 minutes.</summary>
    public TimeSpan MessageTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>The largest request, in bytes. Default 4 MiB; 64 KiB to 64 MiB.</summary>
    public int MaxRequestBytes { get; set; } = 4 * 1024 * 1024;

    /// <summary>The largest request of a connection that nobody has signed in on, in bytes. Default 64 KiB; 16 KiB to 1 MiB.</summary>
    public int MaxUnauthenticatedRequestBytes { get; set; } = 64 * 1024;

    /// <summary>The largest response, in bytes. Default 16 MiB; 64 KiB to 64 MiB.</summary>
    public int MaxResponseBytes { get; set; } = 16 * 1024 * 1024;

    /// <summary>What all requests that have begun to come in may take together, in bytes. Default 128 MiB; 1 MiB to 4 GiB.</summary>
    public long MaxReceiveMemory { get; set; } = 128L * 1024 * 1024;

    /// <summary>What all responses that wait for their client to read may take together, in bytes. Default 128 MiB; 1 MiB to 4 GiB.</summary>
    public long MaxSendMemory { get; set; } = 128L * 1024 * 1024;

    /// <summary>The most requests of a connection that wait for their answer at once. Default 256; 16 to 10,000.</summary>
    public int MaxRequestsPerConnection { get; set; } = 256;

    /// <summary>How many channels and sign-ins compute with the server's key at once; of those that wait, at most 64 times as many. Default 2; 1 to 64.</summary>
    public int MaxKeyOperations { get; set; } = 2;

    /// <summary>After how many wrong sign-ins with one name from one place none is looked at for <see cref="LockoutDuration"/>. Default 5; 1 to 100.</summary>
    public int MaxWrongSignIns { get; set; } = 5;

    /// <summary>Default 1 minute; 1 s to 1 day.</summary>
    public TimeSpan LockoutDuration { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>
    /// The address of a discovery server to register with, such as <c>opc.tcp://localhost:4840</c>. Default <see langword="null"/>: none. Its certificate has to
    /// be in <c>trusted/certs</c>, and it has to trust the server's.
    /// </summary>
    public Uri? DiscoveryServer { get; set; }

    /// <summary>Units and ranges of metrics, which clients show and a percent deadband needs. Default none.</summary>
    public IList<OpcUaMetric> Metrics { get; } = [];
}
