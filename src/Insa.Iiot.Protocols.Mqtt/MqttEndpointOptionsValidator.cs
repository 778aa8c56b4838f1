using Microsoft.Extensions.Options;

namespace Insa.Iiot.Protocols.Mqtt;

/// <summary>Reports every option that is out of range.</summary>
internal sealed class MqttEndpointOptionsValidator : IValidateOptions<MqttEndpointOptions>
{
    public ValidateOptionsResult Validate(string? name, MqttEndpointOptions options)
    {
        var result = new ValidateOptionsResultBuilder();
        if (options.Listeners.Count == 0)
            result.AddError("must have at least one listener.", nameof(options.Listeners));
        foreach (var listener in options.Listeners)
        {
            Check(result, "Listeners.Port", listener.Port, 0, 65_535);
            if (listener is { RequireClientCertificate: true, Certificate: null })
                result.AddError("needs Certificate: without TLS there are no client certificates.", "Listeners.RequireClientCertificate");
            if (listener.Certificate is { HasPrivateKey: false })
                result.AddError("must have its private key.", "Listeners.Certificate");
        }

        Check(result, nameof(options.MaxConnections), options.MaxConnections, 1, 1_000_000);
        Check(result, nameof(options.MaxConnectPacketBytes), options.MaxConnectPacketBytes, 1024, 1024 * 1024);
        Check(result, nameof(options.MaxPacketBytes), options.MaxPacketBytes, 1024, 17 * 1024 * 1024);
        Check(result, nameof(options.ReceiveMaximum), options.ReceiveMaximum, 1, 65_535);
        Check(result, nameof(options.TopicAliasMaximum), options.TopicAliasMaximum, 0, 1024);
        Check(result, nameof(options.MaxSessionExpiry), options.MaxSessionExpiry, TimeSpan.Zero, TimeSpan.FromDays(30));
        Check(result, nameof(options.MaxSessionsPerDevice), options.MaxSessionsPerDevice, 0, 1000);
        Check(result, nameof(options.MaxRetainedPerDevice), options.MaxRetainedPerDevice, 0, 10_000);
        Check(result, nameof(options.ConnectTimeout), options.ConnectTimeout, TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(10));
        return result.Build();
    }

    private static void Check<T>(ValidateOptionsResultBuilder result, string name, T value, T least, T most)
        where T : IComparable<T>
    {
        if (value.CompareTo(least) < 0 || value.CompareTo(most) > 0)
            result.AddError($"must be from {least} to {most}, not {value}.", name);
    }
}
