namespace Insa.Iiot.Protocols.OpcUa.Server.Methods;

/// <summary>Some of the server's methods. One for all tenants, taken from the host's services.</summary>
internal interface IMethodModule
{
    /// <summary>Names the methods it carries out. Called once, before the server listens.</summary>
    void Register(MethodTable table);
}
