namespace Insa.Iiot.SampleHost.Bootstrap;

/// <param name="Endpoint">The server's address.</param>
/// <param name="User">The first device's user name.</param>
/// <param name="Password">Its password.</param>
/// <param name="Certificate">The file with the server's certificate, for clients that want to know it before.</param>
internal sealed record BootstrapOpcUa(string Endpoint, string User, string Password, string Certificate);
