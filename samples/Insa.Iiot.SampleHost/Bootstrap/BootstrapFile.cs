namespace Insa.Iiot.SampleHost.Bootstrap;

/// <summary>What the first start made, and where the host listens: <c>bootstrap.json</c>.</summary>
internal sealed record BootstrapFile(string Tenant, string Http, BootstrapMqtt Mqtt, string AdminToken, BootstrapDevice Device);
