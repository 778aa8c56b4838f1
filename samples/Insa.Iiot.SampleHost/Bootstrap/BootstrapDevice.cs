namespace Insa.Iiot.SampleHost.Bootstrap;

internal sealed record BootstrapDevice(string Id, string Username, string Password);
