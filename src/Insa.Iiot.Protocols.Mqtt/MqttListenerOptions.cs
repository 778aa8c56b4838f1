using System.Net;
using System.Security.Cryptography.X509Certificates;

namespace Insa.Iiot.Protocols.Mqtt;

/// <summary>One address the endpoint listens on.</summary>
public sealed class MqttListenerOptions
{
    /// <summary>The address. Default loopback: say <see cref="IPAddress.Any"/> to be reached from elsewhere, and then use TLS.</summary>
    public IPAddress Address { get; set; } = IPAddress.Loopback;

    /// <summary>The port. Default 1883 (8883 is TLS by custom); 0 takes a free one, see <see cref="MqttEndpointAddresses"/>.</summary>
    public int Port { get; set; } = 1883;

    /// <summary>The server's certificate with its private key; without it the listener is plain TCP.</summary>
    public X509Certificate2? Certificate { get; set; }

    /// <summary>Whether a TLS client must show a certificate. One that is shown stands for the device it is registered for, whoever issued it.</summary>
    public bool RequireClientCertificate { get; set; }
}
