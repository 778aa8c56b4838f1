namespace Insa.Iiot.SampleHost.Bootstrap;

/// <param name="Host">The address of the DTLS port; the plain one is at loopback.</param>
/// <param name="Port">The port of plain CoAP, for this machine alone.</param>
/// <param name="SecurePort">The port of CoAP over DTLS.</param>
/// <param name="TcpPort">The port of plain CoAP over TCP, for this machine alone.</param>
/// <param name="PskIdentity">The first device's identity.</param>
/// <param name="Psk">Its key, in hexadecimal.</param>
/// <param name="Token">Its token for plain CoAP, as the argument <c>token</c> of the query.</param>
internal sealed record BootstrapCoap(string Host, int Port, int SecurePort, int TcpPort, string PskIdentity, string Psk, string Token);
