namespace Insa.Iiot.SampleHost.Bootstrap;

internal sealed record BootstrapMqtt(string Host, int Port);
