using Microsoft.Extensions.Options;

namespace Insa.Iiot.Protocols.OpcUa;

/// <summary>Reports every option that is out of range.</summary>
internal sealed class OpcUaServerOptionsValidator : IValidateOptions<OpcUaServerOptions>
{
    private const int KiB = 1024;
    private const int MiB = 1024 * KiB;
    private const long GiB = 1024L * MiB;

    public ValidateOptionsResult Validate(string? name, OpcUaServerOptions options)
    {
        var result = new ValidateOptionsResultBuilder();
        if (options.Listeners.Count == 0)
            result.AddError("must have at least one listener.", nameof(options.Listeners));
        foreach (var listener in options.Listeners)
            Check(result, "Listeners.Port", listener.Port, 0, 65_535);
        CheckIdentity(result, options);
        if (options.SecurityPolicies.Count == 0 && !options.AllowUnsecured)
            result.AddError(
                "must have at least one, unless AllowUnsecured is set: nobody could connect.",
                nameof(options.SecurityPolicies)
            );
        if (options.SecurityPolicies.Distinct().Count() != options.SecurityPolicies.Count)
            result.AddError("must not have the same twice.", nameof(options.SecurityPolicies));
        if (options.SecurityPolicies.Any(policy => !Enum.IsDefined(policy)))
            result.AddError("has one that does not exist.", nameof(options.SecurityPolicies));

        Check(result, nameof(options.MaxRejectedCertificates), options.MaxRejectedCertificates, 0, 1000);
        Check(result, nameof(options.MaxConnections), options.MaxConnections, 1, 100_000);
        Check(result, nameof(options.MaxConnectionsPerAddress), options.MaxConnectionsPerAddress, 1, 100_000);
        Check(result, nameof(options.MaxNewConnectionsPerSecond), options.MaxNewConnectionsPerSecond, 1, 100_000);
        Check(result, nameof(options.MaxSessions), options.MaxSessions, 1, 100_000);
        Check(result, nameof(options.MaxSessionsPerTenant), options.MaxSessionsPerTenant, 1, 100_000);
        Check(result, nameof(options.MaxSessionTimeout), options.MaxSessionTimeout, TimeSpan.FromSeconds(10), TimeSpan.FromDays(1));
        Check(result, nameof(options.MaxTokenLifetime), options.MaxTokenLifetime, TimeSpan.FromMinutes(1), TimeSpan.FromDays(1));
        Check(result, nameof(options.HandshakeTimeout), options.HandshakeTimeout, TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(5));
        Check(result, nameof(options.MessageTimeout), options.MessageTimeout, TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(5));
        Check(result, nameof(options.MaxRequestBytes), options.MaxRequestBytes, 64 * KiB, 64 * MiB);
        Check(result, nameof(options.MaxUnauthenticatedRequestBytes), options.MaxUnauthenticatedRequestBytes, 16 * KiB, MiB);
        Check(result, nameof(options.MaxResponseBytes), options.MaxResponseBytes, 64 * KiB, 64 * MiB);
        Check(result, nameof(options.MaxReceiveMemory), options.MaxReceiveMemory, MiB, 4 * GiB);
        Check(result, nameof(options.MaxSendMemory), options.MaxSendMemory, MiB, 4 * GiB);
        Check(result, nameof(options.MaxRequestsPerConnection), options.MaxRequestsPerConnection, 16, 10_000);
        Check(result, nameof(options.MaxKeyOperations), options.MaxKeyOperations, 1, 64);
        Check(result, nameof(options.MaxWrongSignIns), options.MaxWrongSignIns, 1, 100);
        Check(result, nameof(options.LockoutDuration), options.LockoutDuration, TimeSpan.FromSeconds(1), TimeSpan.FromDays(1));
        foreach (var metric in options.Metrics)
            CheckMetric(result, metric);
        return result.Build();
    }

    private static void CheckMetric(ValidateOptionsResultBuilder result, OpcUaMetric metric)
    {
        if (string.IsNullOrEmpty(metric.Name))
            result.AddError("has one without a name.", nameof(OpcUaServerOptions.Metrics));
        if (metric.UnitCode is { } code && (code.Length is 0 or > 3 || !code.All(char.IsAsciiLetterOrDigit)))
            result.AddError(
                $"has the unit code '{code}' for '{metric.Name}': it must be 1 to 3 letters and digits.",
                nameof(OpcUaServerOptions.Metrics)
            );
        if (metric.Low is null != metric.High is null || !(metric.Low is null || metric.Low < metric.High))
            result.AddError(
                $"must have both a Low and a greater High for '{metric.Name}', or neither.",
                nameof(OpcUaServerOptions.Metrics)
            );
    }

    private static void CheckIdentity(ValidateOptionsResultBuilder result, OpcUaServerOptions options)
    {
        if (string.IsNullOrWhiteSpace(options.ApplicationName) || options.ApplicationName.Length > 64)
            result.AddError("must have 1 to 64 characters.", nameof(options.ApplicationName));
        if (options.ApplicationUri is { } uri && (uri.Length > 255 || !Uri.TryCreate(uri, UriKind.Absolute, out _)))
            result.AddError($"must be an absolute URI of at most 255 characters, not '{uri}'.", nameof(options.ApplicationUri));
        if (options.HostNames.Any(host => Uri.CheckHostName(host) == UriHostNameType.Unknown))
            result.AddError("has one that is neither a host's name nor an address.", nameof(options.HostNames));
        if (string.IsNullOrWhiteSpace(options.CertificateFolder))
            result.AddError("must name a folder.", nameof(options.CertificateFolder));
        if (options.DiscoveryServer is { } url && !(url.IsAbsoluteUri && url.Scheme == "opc.tcp" && url.Host.Length > 0))
            result.AddError($"must be an address that begins with opc.tcp://, not '{url}'.", nameof(options.DiscoveryServer));
        if (options.AnonymousTenant is { IsSpecified: false })
            result.AddError("names no tenant.", nameof(options.AnonymousTenant));
    }

    private static void Check<T>(ValidateOptionsResultBuilder result, string name, T value, T least, T most)
        where T : IComparable<T>
    {
        if (value.CompareTo(least) < 0 || value.CompareTo(most) > 0)
            result.AddError($"must be from {least} to {most}, not {value}.", name);
    }
}
