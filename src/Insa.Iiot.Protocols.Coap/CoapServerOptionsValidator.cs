using System.Net;
using Microsoft.Extensions.Options;

namespace Insa.Iiot.Protocols.Coap;

/// <summary>Reports every option that is out of range.</summary>
internal sealed class CoapServerOptionsValidator : IValidateOptions<CoapServerOptions>
{
    private const int MiB = 1024 * 1024;

    public ValidateOptionsResult Validate(string? name, CoapServerOptions options)
    {
        var result = new ValidateOptionsResultBuilder();
        if (options.Listeners.Count == 0)
            result.AddError("must have at least one listener.", nameof(options.Listeners));
        foreach (var listener in options.Listeners)
            Check(result, listener);
        foreach (var resource in options.Resources)
            Check(result, resource);

        Check(
            result,
            nameof(options.PiggybackWindow),
            options.PiggybackWindow,
            TimeSpan.FromMilliseconds(10),
            TimeSpan.FromMilliseconds(1500)
        );
        Check(result, nameof(options.AckTimeout), options.AckTimeout, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(30));
        Check(result, nameof(options.MaxRetransmit), options.MaxRetransmit, 0, 10);
        Check(result, nameof(options.MaxPeers), options.MaxPeers, 1, 10_000_000);
        Check(result, nameof(options.MaxPendingMessages), options.MaxPendingMessages, 1, 10_000_000);
        Check(result, nameof(options.MaxPendingRequests), options.MaxPendingRequests, 1, 100_000);
        Check(result, nameof(options.MaxObservers), options.MaxObservers, 0, 10_000_000);
        Check(result, nameof(options.MaxObserversPerPeer), options.MaxObserversPerPeer, 0, 1000);
        Check(result, nameof(options.MaxBodyBytes), options.MaxBodyBytes, 1024, 16 * MiB);
        Check(result, nameof(options.MaxBlockwiseBytes), options.MaxBlockwiseBytes, MiB, 1024 * MiB);
        Check(result, nameof(options.TokenLifetime), options.TokenLifetime, TimeSpan.FromSeconds(1), TimeSpan.FromHours(1));
        Check(result, nameof(options.MaxSessions), options.MaxSessions, 1, 1_000_000);
        Check(result, nameof(options.HandshakeTimeout), options.HandshakeTimeout, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(60));
        Check(result, nameof(options.MaxConnections), options.MaxConnections, 1, 1_000_000);
        Check(result, nameof(options.MaxMessageBytes), options.MaxMessageBytes, 1152, 16 * MiB);
        Check(result, nameof(options.MaxOutputBytes), options.MaxOutputBytes, MiB, 1024 * MiB);
        Check(result, nameof(options.IdleTimeout), options.IdleTimeout, TimeSpan.FromSeconds(1), TimeSpan.FromDays(1));
        return result.Build();
    }

    private static void Check(ValidateOptionsResultBuilder result, CoapListenerOptions listener)
    {
        Check(result, "Listeners.Port", listener.Port, 0, 65_535);
        if (listener is { IsPlain: true, AllowsPlainBeyondLoopback: false } && !IPAddress.IsLoopback(listener.Address))
        {
            result.AddError(
                $"is {listener.Address}, and plain CoAP beyond loopback lets anyone on the way read tokens: use DTLS or TLS, or set AllowsPlainBeyondLoopback.",
                "Listeners.Address"
            );
        }

        if (listener is { IsOscore: true, IsPlain: true })
            result.AddError("is for a listener that takes tokens: one of OSCORE takes nothing unprotected.", "Listeners.IsPlain");
        if (listener is { IsOscore: true, Transport: CoapTransport.Tcp })
            result.AddError("is UDP for OSCORE.", "Listeners.Transport");
        if (listener is { IsOscore: true, Certificate: not null })
            result.AddError("is for DTLS and TLS: OSCORE takes pre-shared keys.", "Listeners.Certificate");
        if (listener is { IsPlain: true, Certificate: not null })
            result.AddError("is for DTLS and TLS: a plain listener has no use for it.", "Listeners.Certificate");
        if (listener is { Transport: CoapTransport.Tcp, IsPlain: false, IsOscore: false, Certificate: null })
            result.AddError("is missing: TLS takes no pre-shared keys here.", "Listeners.Certificate");
        if (listener.Certificate is { HasPrivateKey: false })
            result.AddError("must have its private key.", "Listeners.Certificate");
    }

    private static void Check(ValidateOptionsResultBuilder result, CoapResource resource)
    {
        if (resource.Path is "telemetry" || resource.Path.StartsWith("telemetry/", StringComparison.Ordinal))
            result.AddError($"'{resource.Path}' is the server's own.", "Resources.Path");

        // Without a peer that is known, a duplicate cannot be told from a second request.
        if (
            resource.AllowsAnonymous
            && (resource.Find(CoapCode.Post) ?? resource.Find(CoapCode.Patch) ?? resource.Find(CoapCode.IPatch)) is not null
        )
            result.AddError($"'{resource.Path}' lets anyone in, and so cannot take POST, PATCH or iPATCH.", "Resources.AllowsAnonymous");
        if (resource.IsObservable && resource.Find(CoapCode.Get) is null)
            result.AddError($"'{resource.Path}' can only be observed with a handler of GET.", "Resources.IsObservable");
    }

    private static void Check<T>(ValidateOptionsResultBuilder result, string name, T value, T least, T most)
        where T : IComparable<T>
    {
        if (value.CompareTo(least) < 0 || value.CompareTo(most) > 0)
            result.AddError($"must be from {least} to {most}, not {value}.", name);
    }
}
