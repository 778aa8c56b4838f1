namespace Insa.Iiot.Protocols.OpcUa.Server;

/// <summary>The profiles of OPC 10000-7 that the server keeps as it is set up. Which tests show it, docs/opcua-conformance.md says.</summary>
internal static class ServerProfiles
{
    private const string Prefix = "http://opcfoundation.org/UA-Profile/Server/";

    // Of the profile Standard 2017.
    private const int StandardSessions = 50;

    /// <summary>The largest profile, and the facets beside it.</summary>
    public static string[] Of(OpcUaServerOptions options)
    {
        var hasPolicy = options.SecurityPolicies.Contains(OpcUaSecurityPolicy.Basic256Sha256);
        var isStandard = Math.Min(options.MaxSessions, options.MaxSessionsPerTenant) >= StandardSessions;
        var profile =
            !hasPolicy ? "MicroEmbeddedDevice2017"
            : isStandard ? "StandardUA2017"
            : "EmbeddedUA2017";
        return [Prefix + profile, Prefix + "Methods", Prefix + "ClientRedundancy"];
    }
}
