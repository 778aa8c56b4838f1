namespace Insa.Iiot.Protocols.OpcUa.Server;

/// <summary>Some of the server's services. One for all tenants and connections, taken from the host's services.</summary>
internal interface IServiceModule
{
    /// <summary>Names the requests it answers. Called once, before the server listens.</summary>
    void Register(ServiceTable table);
}
