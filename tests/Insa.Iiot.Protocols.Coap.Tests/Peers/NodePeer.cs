namespace Insa.Iiot.Protocols.Coap.Tests.Peers;

/// <summary>Finds the Node package <c>coap</c> and the scripts that use it, which eng/install-peers.sh installs.</summary>
internal static class NodePeer
{
    public const string Program = "node";

    /// <summary>The path of a script. Skips the test where the package is missing; under CI that is a failure.</summary>
    public static string Find(string script)
    {
        Peer.Require(Program);
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            var peers = Path.Combine(folder.FullName, "tests", "peers", "node");
            if (Directory.Exists(Path.Combine(peers, "node_modules", "coap")))
                return Path.Combine(peers, script);
        }

        Peer.Miss("The Node package coap");
        return "";
    }
}
