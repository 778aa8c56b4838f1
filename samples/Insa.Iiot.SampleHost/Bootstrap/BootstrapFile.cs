namespace Insa.Iiot.SampleHost.Bootstrap;

/// <summary>What the first start made, and where the host listens: <c>bootstrap.json</c>.</summary>
/// <param name="Tenant">The default tenant.</param>
/// <param name="Http">Where the REST API listens.</param>
/// <param name="Mqtt">Where devices connect.</param>
/// <param name="Coap">Where devices send by CoAP, and with what; <see langword="null"/> in a file from before there was CoAP.</param>
/// <param name="Opcua">Where OPC UA clients connect, and as whom; <see langword="null"/> in a file from before there was OPC UA.</param>
/// <param name="AdminEmail">With what the first administrator signs in; also an operator of the platform.</param>
/// <param name="AdminPassword">The administrator's password, until it is changed.</param>
/// <param name="AdminToken">An API key of the default tenant with all permissions.</param>
/// <param name="Device">The first device.</param>
internal sealed record BootstrapFile(
    string Tenant,
    string Http,
    BootstrapMqtt Mqtt,
    BootstrapCoap? Coap,
    BootstrapOpcUa? Opcua,
    string AdminEmail,
    string AdminPassword,
    string AdminToken,
    BootstrapDevice Device
);
