using System.Security.Cryptography.X509Certificates;

namespace Insa.Iiot.Protocols.Amqp;

/// <summary>How the broker is reached and what is consumed. Checked when the host starts.</summary>
public sealed class AmqpOptions
{
    /// <summary>The broker, <c>amqp://user:password@host:port/vhost</c> or <c>amqps://…</c>. Required.</summary>
    public Uri? Uri { get; set; }

    /// <summary>Further nodes of the cluster, <c>host</c> or <c>host:port</c>, tried in turn.</summary>
    public IList<string> Nodes { get; } = [];

    /// <summary>By <c>amqps</c>: the certificate to show, with its private key. Without a user in <see cref="Uri"/> it is the login too (EXTERNAL).</summary>
    public X509Certificate2? ClientCertificate { get; set; }

    /// <summary>By <c>amqps</c>: SHA-256 over the DER of the one certificate to trust the broker by. Default empty: of its name, and from a trusted issuer.</summary>
    public ReadOnlyMemory<byte> ServerCertificateSha256 { get; set; }

    /// <summary>Whether <c>amqp</c> without TLS may leave this machine. Default <see langword="false"/>.</summary>
    public bool AllowsPlainBeyondLoopback { get; set; }

    /// <summary>Whether exchanges and queues are declared; otherwise they must be there, and it is only checked. Default <see langword="true"/>.</summary>
    public bool DeclaresTopology { get; set; } = true;

    /// <summary>The longest wait between attempts to connect, 1 s to 5 min; the first is 200 ms, doubling with jitter. Default 5 s.</summary>
    public TimeSpan MaxReconnectDelay { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>How often the <see cref="IAmqpBindingSource"/>s are asked again, 1 s to 1 h. Default 30 s.</summary>
    public TimeSpan BindingsInterval { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>The queues of telemetry. Two tenants never share a queue or an exchange.</summary>
    public IList<AmqpTelemetryBinding> Telemetry { get; } = [];

    /// <summary>What to consume from hosts with an <c>AmqpTelemetrySink</c>, to write it. Default <see langword="null"/>: nothing.</summary>
    public AmqpFramesOptions? Frames { get; set; }

    /// <summary>The tenants whose commands are sent to devices over AMQP, each at most once.</summary>
    public IList<AmqpCommandBinding> Commands { get; } = [];

    /// <summary>How events are sent; <see langword="null"/> for not at all, and what <see cref="IEventPublisher"/> takes is dropped. Default <see langword="null"/>.</summary>
    public AmqpEventOptions? Events { get; set; }
}
